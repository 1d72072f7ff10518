use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn name(name: &str) -> ObjectName {
    name.parse().unwrap()
}

fn terms(canary: bool) -> Terms {
    let plan = || Canary {
        initial_weight: "0.1".parse().unwrap(),
        step: "0.4".parse().unwrap(),
        interval: "10s".parse().unwrap(),
    };
    Terms { deadline: Duration::from_secs(60), canary: canary.then(plan) }
}

fn facts(second: i64, reason: Reason) -> Facts {
    let answer = Answer {
        available: reason == Reason::Available,
        reason,
        message: "pod p: its own words".into(),
    };
    Facts {
        now: at(second),
        answer,
        has_pods: true,
        confirmed: None,
        promote: false,
        abandon: false,
    }
}

fn says(second: i64, weight: &str) -> Facts {
    Facts { confirmed: weight.parse().ok(), ..facts(second, Reason::Available) }
}

/// An agent that ran "a" and is to run "b", from second 0.
fn changed(canary: bool) -> Course {
    let stable = Course { revision: Some(name("a")), ..Course::default() };
    stable.begin(name("b"), Change::Own, &terms(canary), at(0))
}

fn weight(course: &Course) -> String {
    course.canary.as_ref().map_or("none".to_owned(), |canary| canary.weight.to_string())
}

#[test]
fn the_first_revision_is_waited_for_without_end() {
    let first = Course::default().begin(name("a"), Change::First, &terms(true), at(0));
    assert_eq!((first.stable(), &first.canary), (None, &None));
    let (waits, turn) = first.advance(&facts(10_000, Reason::ImagePullFailed), &terms(true));
    assert_eq!((turn, waits.failed.clone()), (Turn::None, None));
    assert_eq!(waits.look_again(&facts(10_000, Reason::ImagePullFailed), &terms(true)), None);
    let (runs, _) = waits.advance(&facts(10_001, Reason::Available), &terms(true));
    assert_eq!(runs, Course { revision: Some(name("a")), ..Course::default() });
}

#[test]
fn a_change_is_proven_by_pods_that_answer() {
    let course = changed(false);
    assert_eq!(
        course.look_again(&facts(0, Reason::Progressing), &terms(false)),
        Some(Duration::from_secs(60))
    );
    let (waits, _) = course.advance(&facts(59, Reason::CrashLooping), &terms(false));
    assert_eq!(waits.rollout.as_ref().unwrap().stable, Some(name("a")));
    let (runs, turn) = waits.advance(&facts(60, Reason::Available), &terms(false));
    assert_eq!(turn, Turn::None);
    assert_eq!(runs, Course { revision: Some(name("b")), ..Course::default() });
}

#[test]
fn a_change_that_misses_its_deadline_is_undone() {
    let (undone, turn) = changed(false).advance(&facts(60, Reason::Progressing), &terms(false));
    let Turn::Undone(why) = turn else { panic!("{turn:?}") };
    assert_eq!(why, "its pods did not answer within 1m: pod p: its own words");
    assert_eq!(undone.revision, Some(name("a")));
    assert_eq!(undone.failed.as_ref().unwrap().revision, name("b"));
    assert_eq!((undone.rollout, undone.canary), (None, None));
}

#[rstest]
#[case(Reason::CrashLooping)]
#[case(Reason::ImagePullFailed)]
fn a_canary_that_cannot_come_up_is_abandoned_at_once(#[case] reason: Reason) {
    let (undone, turn) = changed(true).advance(&facts(1, reason), &terms(true));
    assert_eq!(turn, Turn::Undone("pod p: its own words".into()));
    assert_eq!((undone.revision, undone.canary), (Some(name("a")), None));
}

#[test]
fn a_canary_grows_step_by_step_and_is_promoted_at_all_of_its_weight() {
    let mut course = changed(true);
    let mut seen = Vec::new();
    // The leader confirms what it reads, a second later.
    for second in 1..40 {
        let confirmed = course.canary.as_ref().map(|canary| canary.weight);
        let look = Facts { confirmed, ..facts(second, Reason::Available) };
        let turn;
        (course, turn) = course.advance(&look, &terms(true));
        seen.push(format!("{second} {} {turn:?}", weight(&course)));
        if turn != Turn::None {
            break;
        }
    }
    seen.dedup_by_key(|line| line.split_once(' ').unwrap().1.to_owned());
    assert_eq!(
        seen,
        ["1 0.1 None", "10 0.5 None", "20 0.9 None", "30 none Promoted(\"after its last step\")"]
    );
    assert_eq!(course, Course { revision: Some(name("b")), ..Course::default() });
}

#[rstest]
#[case::unconfirmed(facts(100, Reason::Available))]
#[case::another_weight_confirmed(says(100, "0.2"))]
#[case::too_early(says(9, "0.1"))]
#[case::no_pods(Facts { has_pods: false, ..says(100, "0.1") })]
#[case::pods_do_not_answer(Facts { answer: facts(0, Reason::Progressing).answer, ..says(59, "0.1") })]
fn a_canary_holds_its_weight(#[case] look: Facts) {
    let (course, turn) = changed(true).advance(&look, &terms(true));
    assert_eq!((weight(&course).as_str(), turn), ("0.1", Turn::None));
}

#[test]
fn a_canary_whose_pods_fail_later_has_a_deadline_anew() {
    let (grows, _) = changed(true).advance(&says(10, "0.1"), &terms(true));
    assert_eq!(
        (weight(&grows).as_str(), grows.rollout.as_ref().unwrap().deadline.is_none()),
        ("0.5", true)
    );
    let (waits, _) = grows.advance(&facts(100, Reason::Unschedulable), &terms(true));
    assert_eq!(waits.deadline_in(at(100)), Some(Duration::from_secs(60)));
    assert_eq!(waits.deadline_in(at(160)), None, "what holds it is waited for, not asked about");
    let (undone, turn) = waits.advance(&facts(160, Reason::Unschedulable), &terms(true));
    assert!(matches!(turn, Turn::Undone(_)), "{turn:?}");
    assert_eq!(undone.revision, Some(name("a")));
}

#[test]
fn people_decide_at_once() {
    let promote = Facts { promote: true, ..facts(1, Reason::Available) };
    let (course, turn) = changed(true).advance(&promote, &terms(true));
    assert_eq!((course.revision, turn), (Some(name("b")), Turn::Promoted("by annotation")));
    for canary in [true, false] {
        let abandon = Facts { abandon: true, ..facts(1, Reason::Available) };
        let (course, turn) = changed(canary).advance(&abandon, &terms(canary));
        assert!(matches!(turn, Turn::Undone(_)), "{turn:?}");
        assert_eq!(course.revision, Some(name("a")));
    }
}

#[test]
fn a_promotion_does_not_stand_in_for_pods_that_answer() {
    let promote = Facts { promote: true, ..facts(1, Reason::Progressing) };
    let (course, _) = changed(true).advance(&promote, &terms(true));
    assert_eq!((&course.canary, course.rollout.is_some()), (&None, true));
    let (course, turn) = course.advance(&facts(60, Reason::Progressing), &terms(true));
    assert!(matches!(turn, Turn::Undone(_)), "{turn:?}");
    assert_eq!(course.revision, Some(name("a")));
}

#[test]
fn without_a_plan_nothing_is_held_back() {
    let (course, turn) = changed(true).advance(&facts(1, Reason::Available), &terms(false));
    assert!(matches!(turn, Turn::Promoted(_)), "{turn:?}");
    assert_eq!(course.canary, None);
}

#[test]
fn another_release_goes_on_with_the_trial_and_gives_it_time() {
    let (grows, _) = changed(true).advance(&says(10, "0.1"), &terms(true));
    let next = grows.begin(name("c"), Change::OfSystem, &terms(true), at(15));
    assert_eq!((weight(&next).as_str(), next.stable()), ("0.5", Some(&name("a"))));
    assert_eq!(next.canary.as_ref().unwrap().revision, name("c"));
    assert_eq!(next.deadline_in(at(15)), Some(Duration::from_secs(60)));
}

#[test]
fn another_release_alone_is_no_trial() {
    let stable = Course { revision: Some(name("a")), ..Course::default() };
    let next = stable.begin(name("b"), Change::OfSystem, &terms(true), at(0));
    assert_eq!(next, Course { revision: Some(name("b")), ..Course::default() });
}

#[test]
fn a_second_change_goes_back_to_what_last_worked() {
    let again = changed(true).begin(name("c"), Change::Own, &terms(true), at(5));
    assert_eq!(again.stable(), Some(&name("a")));
    assert!(again.uses("a") && again.uses("c") && !again.uses("b"));
    let back = again.begin(name("a"), Change::Back, &terms(true), at(6));
    assert_eq!(back, Course { revision: Some(name("a")), ..Course::default() });
}

proptest! {
    /// Whatever is seen in whatever order: a canary's weight never shrinks and is never full, there is
    /// no canary without a trial, and what is undone is never what was stable.
    #[test]
    fn a_course_keeps_its_laws(looks in prop::collection::vec(
        (0..30i64, 0..4usize, any::<bool>(), 0..40u8, 0..40u8), 1..60)) {
        let reasons = [Reason::Available, Reason::Available, Reason::Progressing, Reason::CrashLooping];
        let (mut course, mut second) = (changed(true), 0);
        for (step, reason, confirms, promote, abandon) in looks {
            second += step;
            let before = course.canary.clone();
            let look = Facts {
                confirmed: before.as_ref().filter(|_| confirms).map(|canary| canary.weight),
                promote: promote == 0,
                abandon: abandon == 0,
                ..facts(second, reasons[reason])
            };
            let turn;
            (course, turn) = course.advance(&look, &terms(true));
            if let (Some(before), Some(after)) = (&before, &course.canary) {
                prop_assert!(after.weight >= before.weight && !is_full(after.weight));
            }
            prop_assert!(course.canary.is_none() || course.rollout.is_some());
            match turn {
                Turn::Undone(_) => prop_assert_eq!(course.revision.clone(), Some(name("a"))),
                _ if course.failed.is_none() => prop_assert_eq!(course.revision.clone(), Some(name("b"))),
                _ => {}
            }
        }
    }
}
