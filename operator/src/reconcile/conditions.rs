//! Conditions that mean something: stamped with the generation they speak of, moved only by a change.

use jiff::Timestamp;
use sapphire_crds::conditions::{Condition, ConditionType, Conditions, Reason, Time};

/// A condition's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Kubernetes' own words
pub enum Answer {
    True,
    False,
    Unknown,
}

impl Answer {
    /// As a condition carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// The conditions of a status that is being written.
///
/// What is not set is not kept: a reconcile says all of what it has to say, or calls
/// [`keep`](Self::keep).
#[derive(Debug)]
pub struct Setting<'a> {
    before: &'a Conditions,
    generation: i64,
    now: Timestamp,
    after: Vec<Condition>,
}

/// Longest message that the schema admits, in bytes; it counts characters, so this is on the safe side.
const LONGEST: usize = 8192;

impl<'a> Setting<'a> {
    /// Begins with what the status said before, for an object of this generation.
    pub fn new(before: &'a Conditions, generation: i64, now: Timestamp) -> Self {
        Self { before, generation, now, after: Vec::new() }
    }

    /// Sets a condition. Its transition time moves only where its answer does.
    pub fn set(
        &mut self,
        of: ConditionType,
        answer: Answer,
        reason: Reason,
        message: impl Into<String>,
    ) {
        let before = self.before.get(of);
        let moved = before.is_none_or(|before| before.status != answer.as_str());
        let since = before.filter(|_| !moved).map(|before| before.last_transition_time.clone());
        self.after.retain(|condition| condition.type_ != of.as_str());
        self.after.push(Condition {
            type_: of.as_str().to_owned(),
            status: answer.as_str().to_owned(),
            observed_generation: Some(self.generation),
            last_transition_time: since.unwrap_or_else(|| whole_seconds(self.now)),
            reason: reason.as_str().to_owned(),
            message: shortened(message.into()),
        });
    }

    /// Leaves a condition as it was: this reconcile found out nothing about it.
    pub fn keep(&mut self, of: ConditionType) {
        if let Some(before) = self.before.get(of) {
            self.after.retain(|condition| condition.type_ != of.as_str());
            self.after.push(before.clone());
        }
    }

    /// This generation is applied and all of it answers.
    pub fn ready(&mut self, message: impl Into<String>) {
        self.set(ConditionType::Ready, Answer::True, Reason::Available, message);
        self.idle(ConditionType::Reconciling);
        self.idle(ConditionType::Stalled);
    }

    /// Something is under way or waited for.
    pub fn reconciling(&mut self, reason: Reason, message: impl Into<String>) {
        let message = message.into();
        self.set(ConditionType::Ready, Answer::False, reason, message.clone());
        self.set(ConditionType::Reconciling, Answer::True, reason, message);
        self.idle(ConditionType::Stalled);
    }

    /// Only a person can go on.
    pub fn stalled(&mut self, reason: Reason, message: impl Into<String>) {
        let message = message.into();
        self.set(ConditionType::Ready, Answer::False, reason, message.clone());
        self.idle(ConditionType::Reconciling);
        self.set(ConditionType::Stalled, Answer::True, reason, message);
    }

    fn idle(&mut self, of: ConditionType) {
        self.set(of, Answer::False, Reason::Idle, "");
    }

    /// The conditions in the order of [`ConditionType`], so that equal statuses are equal texts.
    pub fn finish(mut self) -> Conditions {
        let place = |condition: &Condition| {
            condition.type_.parse::<ConditionType>().ok().map_or(usize::MAX, |of| of as usize)
        };
        self.after.sort_by_key(place);
        Conditions(self.after)
    }
}

/// The API server keeps whole seconds; a finer time would differ from what comes back.
pub fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

fn shortened(mut message: String) -> String {
    if message.len() > LONGEST {
        let mut end = LONGEST - 3;
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
    message
}

/// What is wrong with a status; empty where nothing is. Tests call it after every scenario.
pub fn lint(generation: i64, observed: Option<i64>, conditions: &Conditions) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for condition in &conditions.0 {
        let name = &condition.type_;
        if !seen.insert(name) {
            faults.push(format!("{name} is there twice"));
        }
        match (name.parse::<ConditionType>(), condition.reason.parse::<Reason>()) {
            (Err(unknown), _) => faults.push(unknown.to_string()),
            (_, Err(unknown)) => faults.push(format!("{name}: {unknown}")),
            (Ok(of), Ok(reason)) if !reason.explains(of) => {
                faults.push(format!("{reason} is no reason for {name}"));
            }
            _ => {}
        }
        if !["True", "False", "Unknown"].contains(&condition.status.as_str()) {
            faults.push(format!("{name} is {:?}", condition.status));
        }
        match condition.observed_generation {
            None => faults.push(format!("{name} speaks of no generation")),
            Some(spoken) if spoken > generation => {
                faults.push(format!("{name} speaks of generation {spoken} of {generation}"));
            }
            _ => {}
        }
        if condition.status != "False" && condition.message.is_empty() {
            faults.push(format!("{name} is {} without a word", condition.status));
        }
    }
    let holds = |of| conditions.holds(of);
    let (ready, reconciling, stalled) = (
        holds(ConditionType::Ready),
        holds(ConditionType::Reconciling),
        holds(ConditionType::Stalled),
    );
    if ready && stalled {
        faults.push("Ready and Stalled are both True".into());
    }
    if ready && reconciling {
        faults.push("Ready and Reconciling are both True".into());
    }
    if reconciling && stalled {
        faults.push("Reconciling and Stalled are both True".into());
    }
    if !conditions.0.is_empty() && conditions.get(ConditionType::Ready).is_none() {
        faults.push("there is no Ready".into());
    }
    if !ready && !reconciling && !stalled && !conditions.0.is_empty() {
        faults.push(
            "neither Ready nor Reconciling nor Stalled is True: nobody knows what it waits for"
                .into(),
        );
    }
    if ready {
        let spoken = conditions.get(ConditionType::Ready).and_then(|c| c.observed_generation);
        if observed != Some(generation) || spoken != Some(generation) {
            faults.push(format!(
                "Ready is True, but observedGeneration is {observed:?} of {generation}"
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn since(conditions: &Conditions, of: ConditionType) -> i64 {
        conditions.get(of).unwrap().last_transition_time.0.as_second()
    }

    #[test]
    fn a_transition_time_moves_only_with_the_answer() {
        let none = Conditions(Vec::new());
        let mut setting = Setting::new(&none, 1, at(100));
        setting.reconciling(Reason::Progressing, "pods come up");
        let first = setting.finish();
        let mut setting = Setting::new(&first, 2, at(200));
        setting.reconciling(Reason::RollingOutCore, "trader");
        let second = setting.finish();
        assert_eq!(since(&second, ConditionType::Ready), 100);
        assert_eq!(second.get(ConditionType::Ready).unwrap().observed_generation, Some(2));
        let mut setting = Setting::new(&second, 2, at(300));
        setting.ready("all of it answers");
        let third = setting.finish();
        assert_eq!(since(&third, ConditionType::Ready), 300);
        assert_eq!(since(&third, ConditionType::Reconciling), 300);
        assert_eq!(since(&third, ConditionType::Stalled), 100);
    }

    #[test]
    fn saying_the_same_again_changes_nothing() {
        let none = Conditions(Vec::new());
        let mut setting = Setting::new(&none, 1, at(100));
        setting.ready("well");
        let first = setting.finish();
        let mut setting = Setting::new(&first, 1, at(900));
        setting.ready("well");
        assert_eq!(setting.finish(), first);
    }

    #[test]
    fn every_way_of_ending_a_reconcile_passes_the_linter() {
        let none = Conditions(Vec::new());
        let endings: [fn(&mut Setting<'_>); 3] = [
            |setting| setting.ready("well"),
            |setting| setting.reconciling(Reason::PolicyMissing, "no such policy"),
            |setting| setting.stalled(Reason::InvalidSpec, "undecodable"),
        ];
        for ending in endings {
            let mut setting = Setting::new(&none, 3, at(0));
            ending(&mut setting);
            assert_eq!(lint(3, Some(3), &setting.finish()), Vec::<String>::new());
        }
    }

    #[rstest]
    #[case(&[(ConditionType::Ready, Answer::True, Reason::Available), (ConditionType::Stalled, Answer::True, Reason::InvalidSpec)], Some(1), "Ready and Stalled")]
    #[case(&[(ConditionType::Ready, Answer::True, Reason::Available)], None, "observedGeneration")]
    #[case(&[(ConditionType::Ready, Answer::False, Reason::Progressing)], Some(1), "nobody knows")]
    #[case(&[(ConditionType::Flat, Answer::True, Reason::Flat)], Some(1), "no Ready")]
    #[case(&[(ConditionType::Ready, Answer::True, Reason::Flat)], Some(1), "no reason for Ready")]
    fn the_linter_finds_what_is_wrong(
        #[case] conditions: &[(ConditionType, Answer, Reason)],
        #[case] observed: Option<i64>,
        #[case] fault: &str,
    ) {
        let none = Conditions(Vec::new());
        let mut setting = Setting::new(&none, 1, at(0));
        for (of, answer, reason) in conditions {
            setting.set(*of, *answer, *reason, "words");
        }
        let faults = lint(1, observed, &setting.finish());
        assert!(faults.iter().any(|found| found.contains(fault)), "{faults:?}");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let none = Conditions(Vec::new());
        let mut setting = Setting::new(&none, 1, at(0));
        setting.reconciling(Reason::Retrying, "ä".repeat(10_000));
        let message = setting.finish().get(ConditionType::Ready).unwrap().message.clone();
        assert!(message.len() <= LONGEST && message.ends_with('…'));
    }
}
