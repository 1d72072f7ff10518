//! Rollouts told as stories: facts come one after another, and the status follows.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use sapphire_crds::conditions::Reason;
use sapphire_crds::trading_system::{RolloutFailure, RolloutStatus, RolloutStep};
use sapphire_crds::values::ObjectName;

use super::state::holds_turn;
use super::{Decision, Facts, Leader, Migration, Told, decide, plan};
use crate::reconcile::workload::Answer;

pub(super) fn name(letter: char) -> ObjectName {
    format!("desk-{letter}").parse().unwrap()
}

pub(super) fn answer(available: bool) -> Answer {
    let reason = if available { Reason::Available } else { Reason::Progressing };
    Answer { available, reason, message: "0 of 2 pods answer".into() }
}

/// How a trader stands that a person scaled to zero.
pub(super) fn zero() -> Answer {
    let message = "Deployment desk-trader was scaled to zero".into();
    Answer { available: false, reason: Reason::ScaledToZero, message }
}

/// A desk of which nothing answers, at second 1,000.
pub(super) fn facts(target: char, clustered: bool) -> Facts {
    let now = Timestamp::from_second(1_000).unwrap();
    Facts {
        now,
        patient_until: Timestamp::UNIX_EPOCH,
        generation: 1,
        target: name(target),
        clustered,
        retry: false,
        approved: true,
        turn: true,
        step_deadline: Duration::from_secs(60),
        running: None,
        migration: Migration::Absent,
        stands_by: false,
        leader: None,
        scaled_to_zero: false,
        serving: None,
        trader: answer(false),
        parts: answer(!clustered),
        agents: answer(false),
        execution: answer(false),
        held: None,
    }
}

fn leads(letter: char) -> Option<Leader> {
    Some(Leader { revision: name(letter), fresh: true })
}

/// Where everything answers that is asked for, whoever leads.
fn well(target: char, leader: char) -> Facts {
    Facts {
        migration: Migration::Succeeded,
        stands_by: true,
        leader: leads(leader),
        trader: answer(true),
        parts: answer(true),
        agents: answer(true),
        execution: answer(true),
        ..facts(target, true)
    }
}

fn later(facts: Facts, seconds: i64) -> Facts {
    Facts { now: facts.now + SignedDuration::from_secs(seconds), ..facts }
}

fn next(before: &Decision, facts: &Facts) -> Decision {
    decide(Some(&before.rollout), facts)
}

fn reason(decision: &Decision) -> Option<Reason> {
    decision.wait.as_ref().map(|wait| wait.reason)
}

/// A desk over PostgreSQL that runs revision `a`.
fn running() -> RolloutStatus {
    let facts = well('a', 'a');
    let mut decision = decide(None, &facts);
    for _ in 0..10 {
        decision = next(&decision, &facts);
    }
    assert_eq!(decision.rollout.step, RolloutStep::Complete);
    decision.rollout
}

/// ... and is about to hand over from `a` to `b`.
fn standing_by() -> Decision {
    let begun = decide(Some(&running()), &facts('b', true));
    let migrated = next(&begun, &Facts { migration: Migration::Succeeded, ..facts('b', true) });
    assert_eq!(migrated.rollout.core, Some(name('b')));
    migrated
}

#[test]
fn a_first_install_goes_step_by_step_and_takes_no_turn() {
    let nothing = Facts { turn: false, ..facts('a', true) };
    let begun = decide(None, &nothing);
    assert_eq!((reason(&begun), &begun.rollout.core), (Some(Reason::Migrating), &None));
    assert_eq!(reason(&next(&begun, &nothing)), Some(Reason::Migrating));

    let migrated = next(&begun, &Facts { migration: Migration::Succeeded, ..nothing.clone() });
    assert_eq!(migrated.rollout.core, Some(name('a')));
    assert_eq!(migrated.rollout.lead_revision, Some(name('a')), "there is nobody to hand over");
    assert_eq!(migrated.rollout.agents, None);

    let answers = Facts { trader: answer(true), parts: answer(true), ..nothing };
    let waits = next(&migrated, &answers);
    assert_eq!(reason(&waits), Some(Reason::HandingOver), "nobody leads yet");
    let led = next(&waits, &Facts { leader: leads('a'), ..answers.clone() });
    assert_eq!((led.rollout.step, &led.rollout.agents), (RolloutStep::Agents, &Some(name('a'))));
    assert_eq!(led.rollout.execution, None);

    let voted = next(&led, &Facts { agents: answer(true), ..answers.clone() });
    assert_eq!(voted.rollout.step, RolloutStep::Execution);
    let done = next(&voted, &Facts { execution: answer(true), ..answers });
    assert_eq!((done.rollout.step, &done.wait), (RolloutStep::Complete, &None));
    assert_eq!(done.told, Some(Told::Complete));
    assert_eq!(next(&done, &well('a', 'a')).rollout, done.rollout, "and that is all");
}

#[test]
fn a_change_is_handed_over_once_the_new_trader_stands_by() {
    let begun = decide(Some(&running()), &facts('b', true));
    assert_eq!(begun.told, Some(Told::Restarts { from: name('a') }));
    assert_eq!(begun.rollout.fallback, Some(name('a')));
    let asked = next(&standing_by(), &Facts { stands_by: true, ..facts('b', true) });
    assert_eq!(asked.rollout.lead_revision, Some(name('b')));
    let still_led =
        Facts { trader: answer(true), parts: answer(true), leader: leads('a'), ..facts('b', true) };
    let waits = next(&asked, &still_led);
    assert_eq!(reason(&waits), Some(Reason::HandingOver));
    assert_eq!(waits.rollout.step, RolloutStep::Core);
    // Said before this operator began, it may be of any age.
    let found = Some(Leader { revision: name('b'), fresh: false });
    let unproven = next(&asked, &Facts { leader: found, ..still_led.clone() });
    assert_eq!(unproven.rollout.step, RolloutStep::Core);
    let led = next(&asked, &Facts { leader: leads('b'), ..still_led });
    assert_eq!(led.rollout.step, RolloutStep::Agents);
}

#[test]
fn the_old_trader_stays_until_the_new_one_leads() {
    let target = name('b');
    let traders = |rollout: &RolloutStatus| {
        let plan = plan(Some(rollout), &target, true, [name('a')].into());
        plan.traders_that_stay().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(traders(&standing_by().rollout), [name('a'), name('b')].into());
    let led = next(&standing_by(), &well('b', 'b'));
    let led = next(&led, &well('b', 'b'));
    let plan = plan(Some(&led.rollout), &target, true, [name('b')].into());
    assert_eq!(plan.traders_that_stay().collect::<Vec<_>>(), [&name('b'), &name('b')]);
}

#[test]
fn a_core_that_misses_its_deadline_is_undone_and_stays_so() {
    let asked = next(&standing_by(), &Facts { stands_by: true, ..facts('b', true) });
    let waits = next(&asked, &later(facts('b', true), 59));
    assert_eq!(waits.again, Some(Duration::from_secs(1)));
    let undone = next(&waits, &later(facts('b', true), 60));
    assert!(
        matches!(&undone.told, Some(Told::Undone { words }) if words.contains("0 of 2 pods answer"))
    );
    assert_eq!(reason(&undone), Some(Reason::DeadlineExceeded));
    let rollout = &undone.rollout;
    assert_eq!((&rollout.core, &rollout.lead_revision), (&Some(name('a')), &Some(name('a'))));
    assert_eq!(rollout.failed.as_ref().unwrap().revision, name('b'));
    // Whatever comes, it is not tried again by itself.
    for facts in [facts('b', true), well('b', 'b'), later(well('b', 'a'), 10_000)] {
        let after = next(&undone, &facts);
        assert_eq!(after.rollout, undone.rollout);
        assert!(after.wait.is_some_and(|wait| wait.stalled));
    }
    // Whoever leads keeps its Deployment until it does not.
    let plan = plan(Some(rollout), &name('b'), true, [name('b')].into());
    assert!(plan.traders_that_stay().any(|revision| *revision == name('b')));
    assert_eq!(plan.migrate, None, "a schema is never downgraded");
}

#[test]
fn a_person_may_have_what_failed_tried_again() {
    let undone = next(&standing_by(), &later(facts('b', true), 60));
    let asked = next(&undone, &later(Facts { retry: true, ..facts('b', true) }, 70));
    assert_eq!((reason(&asked), &asked.rollout.failed), (Some(Reason::Migrating), &None));
    let changed = next(&undone, &later(Facts { generation: 2, ..facts('b', true) }, 70));
    assert_eq!(reason(&changed), Some(Reason::Migrating));
    let no_turn = Facts { retry: true, turn: false, ..facts('b', true) };
    assert_eq!(reason(&next(&undone, &no_turn)), Some(Reason::WaitingForTurn));
}

#[test]
fn going_back_to_what_runs_ends_it_without_a_restart() {
    let undone = next(&standing_by(), &later(facts('b', true), 60));
    let back = next(&undone, &well('a', 'a'));
    assert_eq!((back.rollout.step, &back.wait), (RolloutStep::Complete, &None));
    assert_eq!(back.rollout.failed, None);
    // Before the migration is through, too.
    let begun = decide(Some(&running()), &facts('b', true));
    assert_eq!(next(&begun, &well('a', 'a')).rollout.step, RolloutStep::Complete);
}

#[test]
fn going_back_half_way_migrates_nothing() {
    let asked = next(&standing_by(), &Facts { stands_by: true, ..facts('b', true) });
    let back = next(&asked, &facts('a', true));
    assert_eq!(back.rollout.core, Some(name('a')));
    assert_eq!(back.rollout.lead_revision, Some(name('a')));
    assert_eq!(reason(&back), Some(Reason::RollingOutCore));
}

#[test]
fn a_new_target_takes_the_step_over() {
    let over = next(&standing_by(), &Facts { turn: false, ..later(facts('c', true), 50) });
    assert_eq!(reason(&over), Some(Reason::Migrating), "it has its turn already");
    assert_eq!((&over.rollout.core, &over.rollout.fallback), (&Some(name('b')), &Some(name('a'))));
    // The time of the former target is not held against it.
    assert_eq!(reason(&next(&over, &later(facts('c', true), 70))), Some(Reason::Migrating));
    let undone = next(&over, &later(facts('c', true), 120));
    assert_eq!(undone.rollout.core, Some(name('a')), "what last worked");
}

#[test]
fn a_migration_that_failed_fails_the_rollout_and_touches_nothing() {
    let begun = decide(Some(&running()), &facts('b', true));
    let words = Migration::Failed("relation exists".into());
    let failed = next(&begun, &Facts { migration: words, ..facts('b', true) });
    assert_eq!(reason(&failed), Some(Reason::MigrationFailed));
    assert!(failed.wait.as_ref().unwrap().message.contains("relation exists"));
    assert_eq!(failed.rollout.core, Some(name('a')));
    assert_eq!(failed.rollout.failed.as_ref().unwrap().reason, RolloutFailure::MigrationFailed);
    let plan = plan(Some(&failed.rollout), &name('b'), true, [].into());
    assert_eq!((plan.migrate, plan.failed_migration), (None, Some(name('b'))));
}

#[test]
fn a_migration_that_is_tried_again_at_once_is_another_attempt() {
    let begun = decide(Some(&running()), &facts('b', true));
    let words = Migration::Failed("relation exists".into());
    let failed = next(&begun, &Facts { migration: words, ..facts('b', true) });
    let again = next(&failed, &Facts { retry: true, ..facts('b', true) });
    let attempt = |decision: &Decision| {
        plan(Some(&decision.rollout), &name('b'), true, [].into()).migrate.unwrap()
    };
    assert_eq!(attempt(&begun).revision, attempt(&again).revision);
    assert_ne!(attempt(&begun).id, attempt(&again).id, "the failed pod is not its own");
}

#[test]
fn a_migration_that_was_taken_away_goes_on_waiting() {
    let begun = decide(Some(&running()), &facts('b', true));
    let evicted = Migration::Disrupted("evicted".into());
    let waits = next(&begun, &Facts { migration: evicted, ..facts('b', true) });
    assert_eq!((reason(&waits), &waits.rollout.failed), (Some(Reason::Migrating), &None));
}

#[test]
fn a_migration_waits_for_a_person_where_one_is_asked_for() {
    let unapproved = Facts { approved: false, turn: false, ..facts('b', true) };
    let waits = decide(Some(&running()), &unapproved);
    assert_eq!(reason(&waits), Some(Reason::WaitingForApproval));
    assert!(waits.wait.as_ref().unwrap().message.contains("kubectl annotate"));
    assert_eq!(waits.rollout.started_at, None, "it takes no turn and has no deadline");
    let waits = next(&waits, &later(unapproved, 10_000));
    assert_eq!(reason(&waits), Some(Reason::WaitingForApproval));
    assert_eq!(reason(&next(&waits, &facts('b', true))), Some(Reason::Migrating));
}

#[test]
fn a_step_that_had_its_time_gives_its_turn_back() {
    let mut begun = standing_by();
    let no_turn = |facts| Facts { turn: false, ..facts };
    // Back to what ran before, which does not come up either: there is nothing to undo.
    begun = next(&begun, &no_turn(facts('a', true)));
    let late = no_turn(later(facts('a', true), 70));
    let stalled = next(&begun, &late);
    assert!(stalled.wait.as_ref().is_some_and(|wait| wait.stalled), "{stalled:?}");
    assert_eq!(stalled.rollout.failed, None);
    let holds = |facts: &Facts| holds_turn(&stalled.rollout, facts.now, facts.patient_until);
    assert!(holds(&facts('a', true)) && !holds(&late));
    // An operator that has only begun has not done its part yet.
    assert!(holds(&Facts { patient_until: late.now + SignedDuration::from_secs(1), ..late }));
    // Another change asks for a turn, as every other desk does.
    let another = no_turn(later(facts('c', true), 70));
    assert_eq!(reason(&next(&stalled, &another)), Some(Reason::WaitingForTurn));
}

#[test]
fn a_running_desk_waits_for_its_turn() {
    let no_turn = Facts { turn: false, ..facts('b', true) };
    let waits = decide(Some(&running()), &no_turn);
    assert_eq!(reason(&waits), Some(Reason::WaitingForTurn));
    assert_eq!((&waits.rollout.core, &waits.rollout.started_at), (&Some(name('a')), &None));
    assert_eq!(reason(&next(&waits, &facts('b', true))), Some(Reason::Migrating));
}

#[test]
fn agents_that_miss_the_deadline_go_back_and_the_core_stays() {
    let agents_wait = Facts { agents: answer(false), ..well('b', 'b') };
    let mut decision = standing_by();
    for _ in 0..3 {
        decision = next(&decision, &agents_wait);
    }
    assert_eq!(
        (decision.rollout.step, reason(&decision)),
        (RolloutStep::Agents, Some(Reason::RollingOutAgents))
    );
    let undone = next(&decision, &later(agents_wait, 60));
    let rollout = &undone.rollout;
    assert_eq!((&rollout.core, &rollout.agents), (&Some(name('b')), &Some(name('a'))));
    assert_eq!(rollout.lead_revision, Some(name('b')));
    assert_eq!(rollout.failed.as_ref().unwrap().step, RolloutStep::Agents);
    // The next change begins with the core again, and knows what each step last worked with.
    let next_target = next(&undone, &facts('c', true));
    assert_eq!(next_target.rollout.fallback, Some(name('b')));
    let mut decision = next_target;
    for _ in 0..4 {
        decision = next(&decision, &Facts { agents: answer(false), ..well('c', 'c') });
    }
    assert_eq!(
        (decision.rollout.step, &decision.rollout.fallback),
        (RolloutStep::Agents, &Some(name('a')))
    );
}

#[test]
fn a_first_install_that_is_late_is_shown_and_goes_on_by_itself() {
    let begun = decide(None, &facts('a', false));
    assert_eq!(begun.rollout.core, Some(name('a')));
    let late = next(&begun, &later(facts('a', false), 60));
    assert_eq!(reason(&late), Some(Reason::DeadlineExceeded));
    assert!(late.wait.as_ref().unwrap().stalled);
    assert_eq!((&late.rollout.core, &late.rollout.failed), (&Some(name('a')), &None));
    let answers = Facts { trader: answer(true), ..facts('a', false) };
    assert_eq!(next(&late, &later(answers, 600)).rollout.step, RolloutStep::Complete);
}

#[test]
fn an_operator_that_has_just_begun_holds_no_deadline_against_anybody() {
    let late = later(facts('b', true), 600);
    let patient = Facts { patient_until: late.now + SignedDuration::from_secs(30), ..late };
    let waits = next(&standing_by(), &patient);
    assert_eq!(waits.rollout.failed, None);
    assert_eq!(waits.again, Some(Duration::from_secs(30)));
}

#[test]
fn an_embedded_desk_is_one_step() {
    let answers = Facts { trader: answer(true), ..facts('a', false) };
    let done = next(&decide(None, &answers), &answers);
    let rollout = &done.rollout;
    assert_eq!((rollout.step, &rollout.execution), (RolloutStep::Complete, &Some(name('a'))));
    let begun = next(&done, &facts('b', false));
    assert_eq!((&begun.rollout.core, &begun.rollout.agents), (&Some(name('b')), &Some(name('a'))));
    let undone = next(&begun, &later(facts('b', false), 60));
    assert_eq!(
        (&undone.rollout.core, &undone.rollout.agents),
        (&Some(name('a')), &Some(name('a')))
    );
    assert_eq!(undone.rollout.lead_revision, None);
}

/// A desk whose trader a person scaled to zero.
fn at_zero(target: char, clustered: bool) -> Facts {
    Facts {
        scaled_to_zero: true,
        migration: Migration::Succeeded,
        trader: zero(),
        parts: answer(true),
        ..facts(target, clustered)
    }
}

/// A desk in one pod that runs revision `a`, with `b` just released.
fn in_one_pod() -> Decision {
    let answers = Facts { trader: answer(true), ..facts('a', false) };
    let done = next(&decide(None, &answers), &answers);
    next(&done, &facts('b', false))
}

#[rstest]
#[case::over_postgresql(true)]
#[case::in_one_pod(false)]
fn a_core_that_is_scaled_to_zero_before_it_answered_is_neither_done_nor_undone(
    #[case] clustered: bool,
) {
    let begun = if clustered { standing_by() } else { in_one_pod() };
    let stopped = next(&begun, &later(at_zero('b', clustered), 4));
    assert_eq!((reason(&stopped), stopped.again), (Some(Reason::ScaledToZero), None));
    let rollout = &stopped.rollout;
    assert_eq!((rollout.step, &rollout.fallback), (RolloutStep::Core, &Some(name('a'))));
    assert_eq!((&rollout.started_at, &rollout.deadline), (&None, &None));
    assert_eq!(rollout.lead_revision, clustered.then(|| name('b')), "whoever is scaled up leads");
    assert!(!holds_turn(rollout, facts('b', clustered).now, Timestamp::UNIX_EPOCH));
    let long = next(&stopped, &later(at_zero('b', clustered), 10_000));
    assert_eq!(long.rollout, stopped.rollout, "and nothing is written meanwhile");

    // Scaled up, it has its time anew, and is undone if it still does not answer.
    let up = next(&long, &later(facts('b', clustered), 10_000));
    assert_eq!(reason(&up), Some(Reason::RollingOutCore));
    let undone = next(&up, &later(facts('b', clustered), 10_060));
    assert_eq!(undone.rollout.core, Some(name('a')));
    assert_eq!(undone.rollout.failed.as_ref().unwrap().revision, name('b'));
    let answers = Facts { clustered, ..later(well('b', 'b'), 10_030) };
    let done = next(&up, &answers).rollout;
    assert_eq!(done.stable.unwrap().core, Some(name('b')));
}

#[rstest]
#[case::over_postgresql(true)]
#[case::in_one_pod(false)]
fn a_desk_at_zero_goes_back_to_what_ran_without_a_pod(#[case] clustered: bool) {
    let begun = if clustered { standing_by() } else { in_one_pod() };
    let mut decision = next(&begun, &at_zero('b', clustered));
    for _ in 0..2 {
        let agents = answer(true);
        let idle = Facts { agents: agents.clone(), execution: agents, ..at_zero('a', clustered) };
        decision = next(&decision, &idle);
    }
    assert_eq!((decision.rollout.step, &decision.wait), (RolloutStep::Complete, &None));
    assert_eq!(decision.rollout.core, Some(name('a')));
}

#[test]
fn a_first_install_that_is_scaled_to_zero_is_not_done() {
    let stopped = next(&decide(None, &facts('a', false)), &at_zero('a', false));
    assert_eq!((reason(&stopped), stopped.rollout.stable), (Some(Reason::ScaledToZero), None));
}

#[test]
fn a_desk_that_is_scaled_to_zero_with_no_change_under_way_stays_as_it_is() {
    let running = running();
    let stopped = decide(Some(&running), &at_zero('a', true));
    assert_eq!((stopped.rollout, stopped.wait), (running, None));
}

#[test]
fn a_new_trader_that_is_scaled_to_zero_beside_a_leader_has_its_deadline() {
    let led = |seconds| Facts { leader: leads('a'), ..later(at_zero('b', true), seconds) };
    let waits = next(&standing_by(), &led(4));
    assert_eq!(waits.rollout.lead_revision, Some(name('a')));
    assert_eq!(waits.again, Some(Duration::from_secs(56)));
    assert_eq!(next(&waits, &led(60)).rollout.core, Some(name('a')));
}

#[test]
fn more_time_is_meant_for_the_step_under_way() {
    let more = |seconds| Facts {
        step_deadline: Duration::from_secs(600),
        turn: false,
        ..later(facts('b', true), seconds)
    };
    let goes_on = next(&standing_by(), &more(50));
    assert_eq!(reason(&goes_on), Some(Reason::RollingOutCore));
    assert_eq!(
        goes_on.rollout.deadline.unwrap().0,
        facts('b', true).now + SignedDuration::from_secs(600)
    );
    // Its turn is another's by now.
    let waits = next(&standing_by(), &more(100));
    assert_eq!((reason(&waits), &waits.rollout.failed), (Some(Reason::WaitingForTurn), &None));
    let begun = next(&waits, &Facts { turn: true, ..more(110) });
    assert_eq!(reason(&begun), Some(Reason::RollingOutCore));
    assert_eq!(begun.rollout.started_at.unwrap().0, more(110).now);
}

/// A desk whose status was lost: `running` is what runs, `target` what its spec asks for.
fn lost(running: char, target: char, clustered: bool) -> Facts {
    Facts { running: Some(name(running)), ..facts(target, clustered) }
}

#[rstest]
#[case::over_postgresql(true)]
#[case::in_one_pod(false)]
fn what_runs_while_a_status_is_lost_is_gone_back_to(#[case] clustered: bool) {
    let led = |letter| clustered.then(|| name(letter));
    let found = decide(None, &lost('a', 'b', clustered));
    assert_eq!(found.told, Some(Told::Restarts { from: name('a') }));
    let rollout = &found.rollout;
    assert_eq!((&rollout.fallback, &rollout.lead_revision), (&Some(name('a')), &led('a')));
    assert_eq!(rollout.core, Some(name(if clustered { 'a' } else { 'b' })));
    let released =
        next(&found, &Facts { migration: Migration::Succeeded, ..facts('b', clustered) });
    assert_eq!(
        (&released.rollout.core, &released.rollout.lead_revision),
        (&Some(name('b')), &led('a'))
    );
    let undone = next(&released, &later(facts('b', clustered), 60)).rollout;
    assert_eq!((&undone.core, &undone.lead_revision), (&Some(name('a')), &led('a')));
    assert_eq!((&undone.agents, &undone.execution), (&Some(name('a')), &Some(name('a'))));
    assert_eq!(undone.failed.unwrap().revision, name('b'));
    // As any other change it waits for a turn.
    let waits = decide(None, &Facts { turn: false, ..lost('a', 'b', clustered) });
    assert_eq!(
        (reason(&waits), waits.rollout.core),
        (Some(Reason::WaitingForTurn), Some(name('a')))
    );
}

#[rstest]
#[case::over_postgresql(true)]
#[case::in_one_pod(false)]
fn what_runs_already_is_found_without_a_turn_or_a_migration(#[case] clustered: bool) {
    let found = decide(None, &Facts { turn: false, ..lost('a', 'a', clustered) });
    assert_eq!(reason(&found), Some(Reason::RollingOutCore), "it may have been about to come");
    assert_eq!(found.rollout.core, Some(name('a')));
    let well = Facts { turn: false, migration: Migration::Absent, clustered, ..well('a', 'a') };
    let mut decision = found;
    for _ in 0..3 {
        decision = next(&decision, &well);
    }
    assert_eq!(decision.rollout.step, RolloutStep::Complete);
    assert_eq!(decision.rollout.lead_revision, clustered.then(|| name('a')));
}
