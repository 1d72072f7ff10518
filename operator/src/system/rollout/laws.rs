//! What holds of every rollout, whatever the facts.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use sapphire_crds::conditions::Reason;
use sapphire_crds::trading_system::{RolloutStatus, RolloutStep};

use super::state::{found, holds_turn, released, stable};
use super::tests::{answer, facts, name, zero};
use super::{Decision, Facts, Leader, Migration, decide, plan};

fn migration() -> impl Strategy<Value = Migration> {
    // Some of it succeeds, or no story would get far.
    prop::sample::select(vec![
        Migration::Absent,
        Migration::Runs("runs".into()),
        Migration::Waits(Reason::ImagePullFailed, "no such image".into()),
        Migration::Disrupted("evicted".into()),
        Migration::Succeeded,
        Migration::Succeeded,
        Migration::Succeeded,
        Migration::Failed("no such table".into()),
    ])
}

fn leader() -> impl Strategy<Value = Option<Leader>> {
    let letters = prop::sample::select(vec!['a', 'b', 'c']);
    let leader = (letters, prop::bool::weighted(0.8));
    prop::option::weighted(0.7, leader.prop_map(|(l, fresh)| Leader { revision: name(l), fresh }))
}

/// Any facts, with targets that change now and then and a clock that runs.
fn story() -> impl Strategy<Value = Vec<Facts>> {
    let often = || prop::bool::weighted(0.7);
    let seldom = || prop::bool::weighted(0.1);
    let moment = (
        (prop::sample::select(vec!['a', 'a', 'a', 'b', 'c']), 0..40i64, seldom()),
        (migration(), leader(), often(), seldom()),
        (often(), often(), often(), often()),
        (often(), often(), seldom(), seldom(), prop::sample::select(vec![60, 60, 60, 600])),
    );
    let running = prop::option::of(prop::sample::select(vec!['a', 'b']));
    let moments = prop::collection::vec(moment, 1..60);
    (any::<bool>(), running, moments).prop_map(|(clustered, running, moments)| {
        let mut now = 1_000;
        let (mut target, mut generation) = ('a', 1);
        let of = |(what, pods, answers, rest)| {
            let (letter, seconds, changes): (char, i64, bool) = what;
            let (migration, leader, stands_by, scaled_to_zero) = pods;
            let (trader, parts, agents, execution) = answers;
            let (approved, turn, retry, held, step_deadline): (bool, bool, bool, bool, u64) = rest;
            now += seconds;
            if changes && letter != target {
                target = letter;
                generation += 1;
            }
            Facts {
                now: Timestamp::from_second(now).unwrap(),
                generation,
                approved,
                turn,
                retry,
                migration,
                stands_by,
                leader,
                scaled_to_zero,
                trader: if scaled_to_zero { zero() } else { answer(trader) },
                parts: answer(parts || !clustered),
                agents: answer(agents),
                execution: answer(execution),
                held: held.then(|| "refused".to_owned()),
                step_deadline: Duration::from_secs(step_deadline),
                running: running.map(name),
                ..facts(target, clustered)
            }
        };
        moments.into_iter().map(of).collect()
    })
}

const STEPS: [RolloutStep; 3] = [RolloutStep::Core, RolloutStep::Agents, RolloutStep::Execution];

fn check(before: Option<&RolloutStatus>, facts: &Facts, decision: &Decision) {
    // What was lost is taken for what had been written of it.
    let lost = facts.running.as_ref().map(|r| found(r, &facts.target, facts.clustered));
    let before = before.or(lost.as_ref());
    let after = &decision.rollout;
    let was = |step| before.and_then(|before| released(before, step));
    let target = Some(&facts.target);
    assert_eq!(after.target, facts.target);

    // A core is released only when its migration succeeded, or where it worked before.
    if facts.clustered && after.core.as_ref() != was(RolloutStep::Core) {
        let core = after.core.as_ref();
        let worked = before.is_some_and(|before| stable(before, RolloutStep::Core) == core);
        assert!(worked || core == target && facts.migration == Migration::Succeeded);
    }
    // A later step is released only where the one before is done.
    for (earlier, later) in
        [(RolloutStep::Core, RolloutStep::Agents), (RolloutStep::Agents, RolloutStep::Execution)]
    {
        if released(after, later) != was(later) && after.failed.is_none() {
            assert_eq!(released(after, earlier), target);
            assert_eq!(stable(after, earlier), target);
        }
    }
    // What a core goes back to has answered.
    let settled = |rollout: &RolloutStatus| stable(rollout, RolloutStep::Core).cloned();
    let answers = facts.trader.available && facts.parts.available;
    assert!(settled(after) == before.and_then(settled) || answers, "{after:?}");
    // Never two steps at once: over PostgreSQL one write releases at most one.
    let moved = STEPS.into_iter().filter(|step| released(after, *step) != was(*step)).count();
    assert!(moved <= 1 || !facts.clustered, "{after:?}");

    // Whoever leads keeps its Deployment.
    let leaders = facts.leader.iter().map(|leader| leader.revision.clone()).collect();
    let plan = plan(Some(after), &facts.target, facts.clustered, leaders);
    if facts.clustered {
        let stays = |revision| plan.traders_that_stay().any(|stays| stays == revision);
        assert!(facts.leader.iter().all(|leader| stays(&leader.revision)));
        assert!(after.lead_revision.iter().all(stays), "who is to lead is there");
        // What the core goes back to is there as long as it may have to.
        if after.step == RolloutStep::Core && after.failed.is_none() {
            assert!(stable(after, RolloutStep::Core).is_none_or(stays));
        }
    }
    // The lead goes to a pod that stands by, or back; where nobody is to lead, to the first that comes.
    if let Some(led) = before.and_then(|before| before.lead_revision.as_ref()) {
        let stopped = facts.scaled_to_zero && facts.leader.is_none();
        let back = before.and_then(|before| stable(before, RolloutStep::Core));
        let lead = after.lead_revision.as_ref();
        assert!(lead == Some(led) || facts.stands_by || stopped || lead == back, "{after:?}");
    }
    // Nothing of a revision whose migration is awaited is applied.
    if let Some(attempt) = &plan.migrate {
        assert_ne!(Some(&attempt.revision), plan.core.as_ref());
        // One that was asked to lead migrated once already, and was left for another since.
        let led = after.lead_revision.as_ref() == Some(&attempt.revision);
        assert!(led || !plan.traders.contains(&attempt.revision));
    }

    // It has a turn only where one was free, or was its own.
    let holds = |rollout| holds_turn(rollout, facts.now, facts.patient_until);
    assert!(!holds(after) || facts.turn || before.is_some_and(holds));
    // It is done, or goes on, or says what it waits for and when it looks again.
    match &decision.wait {
        None => assert_eq!(after.step, RolloutStep::Complete),
        Some(wait) => {
            assert!(!wait.message.is_empty());
            let wakes = wait.stalled
                || decision.again.is_some()
                || Some(after) != before
                || wait.reason == Reason::WaitingForApproval
                || wait.reason == Reason::ScaledToZero && after.deadline.is_none();
            assert!(wakes, "{wait:?}");
        }
    }
    // What failed stays until a person does something.
    if let Some(failed) = before.and_then(|before| before.failed.as_ref())
        && !facts.retry
        && failed.revision == facts.target
        && failed.generation == facts.generation
    {
        assert_eq!(Some(after), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_story_keeps_the_laws(story in story()) {
        let mut before: Option<RolloutStatus> = None;
        for facts in &story {
            let decision = decide(before.as_ref(), facts);
            check(before.as_ref(), facts, &decision);
            before = Some(decision.rollout);
        }
    }

    /// However it stands, a desk whose pods all do as they should comes to its end.
    #[test]
    fn a_desk_that_does_well_is_done_soon(story in story()) {
        let mut before: Option<RolloutStatus> = None;
        for facts in &story {
            before = Some(decide(before.as_ref(), facts).rollout);
        }
        let last = story.last().unwrap();
        let mut well = Facts {
            leader: Some(Leader { revision: last.target.clone(), fresh: true }),
            approved: true,
            turn: true,
            retry: true,
            migration: Migration::Succeeded,
            stands_by: true,
            scaled_to_zero: false,
            trader: answer(true),
            parts: answer(true),
            agents: answer(true),
            execution: answer(true),
            held: None,
            ..last.clone()
        };
        for _ in 0..8 {
            before = Some(decide(before.as_ref(), &well).rollout);
            well.retry = false;
        }
        prop_assert_eq!(before.unwrap().step, RolloutStep::Complete);
    }
}
