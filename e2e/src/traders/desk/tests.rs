use std::time::Duration;

use super::*;

fn pod(name: &str, revision: &str) -> PodFacts {
    PodFacts {
        namespace: "desks".into(),
        name: name.into(),
        uid: name.into(),
        system: "desk".into(),
        revision: revision.parse().unwrap(),
        policy: None,
    }
}

/// A desk of one pod under a policy.
fn under(policy: PolicyFacts) -> Facts {
    let pod = PodFacts { policy: Some(policy), ..pod("a", "r1") };
    Facts { pods: vec![pod], ..Facts::default() }
}

fn roles(desk: &mut Desk, facts: &Facts, conduct: &Conduct, now: Instant) -> Vec<(Role, i64)> {
    let reports = desk.look(facts, conduct, now);
    reports.into_iter().map(|report| (report.role, report.epoch)).collect()
}

fn policy(generation: i64, trading_state: TradingState) -> PolicyFacts {
    let hash = digest_of(generation);
    let name = "policy".parse().unwrap();
    PolicyFacts { name, generation, hash, trading_state, flattens: true }
}

#[test]
fn one_pod_leads_and_another_takes_over_when_it_is_gone() {
    let (mut desk, conduct, now) = (Desk::default(), Conduct::default(), Instant::now());
    let mut facts = Facts { pods: vec![pod("a", "r1"), pod("b", "r1")], ..Facts::default() };
    let said = roles(&mut desk, &facts, &conduct, now);
    assert_eq!(said, [(Role::Leader, 1), (Role::Standby, 1)]);
    facts.pods.remove(0);
    assert_eq!(roles(&mut desk, &facts, &conduct, now), [(Role::Leader, 2)]);
}

#[test]
fn a_leader_quiesces_before_the_wanted_revision_leads_and_back() {
    let (mut desk, conduct, now) = (Desk::default(), Conduct::default(), Instant::now());
    let pods = vec![pod("new", "r2"), pod("old", "r1"), pod("old-standby", "r1")];
    let mut facts = Facts { pods, lead_revision: "r1".parse().ok(), ..Facts::default() };
    let said = roles(&mut desk, &facts, &conduct, now);
    assert_eq!(said, [(Role::Standby, 1), (Role::Leader, 1), (Role::Standby, 1)]);
    facts.lead_revision = "r2".parse().ok();
    let said = roles(&mut desk, &facts, &conduct, now);
    assert_eq!(said, [(Role::Standby, 1), (Role::Quiesced, 1), (Role::Standby, 1)]);
    let said = roles(&mut desk, &facts, &conduct, now);
    assert_eq!(said, [(Role::Leader, 2), (Role::Quiesced, 2), (Role::Standby, 2)]);
    facts.lead_revision = "r1".parse().ok();
    roles(&mut desk, &facts, &conduct, now);
    let said = roles(&mut desk, &facts, &conduct, now);
    assert_eq!(said, [(Role::Quiesced, 3), (Role::Leader, 3), (Role::Standby, 3)]);
}

#[test]
fn a_leader_that_does_not_hand_over_leads_on() {
    let conduct = Conduct { hands_over: false, ..Conduct::default() };
    let (mut desk, now) = (Desk::default(), Instant::now());
    let pods = vec![pod("old", "r1")];
    let mut facts = Facts { pods, lead_revision: "r1".parse().ok(), ..Facts::default() };
    roles(&mut desk, &facts, &conduct, now);
    facts.pods.push(pod("z-new", "r2"));
    facts.lead_revision = "r2".parse().ok();
    for _ in 0..3 {
        let said = roles(&mut desk, &facts, &conduct, now);
        assert_eq!(said, [(Role::Leader, 1), (Role::Standby, 1)]);
    }
}

#[test]
fn nobody_leads_before_it_knows_what_is_open() {
    let conduct = Conduct { reconciles_after: Duration::from_secs(5), ..Conduct::default() };
    let (mut desk, now) = (Desk::default(), Instant::now());
    let facts = Facts { pods: vec![pod("a", "r1")], ..Facts::default() };
    let early = desk.look(&facts, &conduct, now).remove(0);
    assert_eq!((early.role, early.reconciled), (Role::Standby, false));
    let later = desk.look(&facts, &conduct, now + Duration::from_secs(5)).remove(0);
    assert_eq!((later.role, later.reconciled), (Role::Leader, true));
}

#[test]
fn a_policy_is_acknowledged_after_its_time() {
    let conduct = Conduct { acknowledges_after: Duration::from_secs(2), ..Conduct::default() };
    let (mut desk, now) = (Desk::default(), Instant::now());
    let mut facts = under(policy(1, TradingState::Active));
    let mut generation = |facts: &Facts, seconds| {
        let report = desk.look(facts, &conduct, now + Duration::from_secs(seconds)).remove(0);
        report.policy.map(|policy| policy.generation)
    };
    assert_eq!(generation(&facts, 0), None);
    assert_eq!(generation(&facts, 2), Some(1));
    facts.pods[0].policy = Some(policy(2, TradingState::Active));
    assert_eq!(generation(&facts, 3), Some(1));
    assert_eq!(generation(&facts, 5), Some(2));
}

#[test]
fn each_pod_acknowledges_its_own_policy_and_keeps_it_when_its_document_is_gone() {
    let (mut desk, conduct, now) = (Desk::default(), Conduct::default(), Instant::now());
    let bold = PolicyFacts {
        name: "bold".parse().unwrap(),
        flattens: false,
        ..policy(7, TradingState::Halted)
    };
    let mut facts = under(policy(1, TradingState::Active));
    facts.pods.push(PodFacts { policy: Some(bold), ..pod("b", "r2") });
    facts.lead_revision = "r1".parse().ok();
    let mut said = |facts: &Facts| {
        let reports = desk.look(facts, &conduct, now);
        let said = |report: Report| {
            let policy = report.policy?;
            Some((policy.name.to_string(), policy.generation, report.trading_state))
        };
        reports.into_iter().map(said).collect::<Vec<_>>()
    };
    let is = |name: &str, generation, state| Some((name.to_owned(), generation, state));
    let (active, halted) = (TradingState::Active, TradingState::Halted);
    assert_eq!(said(&facts), [is("policy", 1, active), is("bold", 7, active)]);
    facts.pods[0].policy = Some(policy(2, TradingState::Active));
    facts.pods[1].policy = None;
    assert_eq!(said(&facts), [is("policy", 2, active), is("bold", 7, active)]);
    // The desk is under its leader's.
    facts.lead_revision = "r2".parse().ok();
    assert_eq!(said(&facts), [is("policy", 2, active), is("bold", 7, active)], "nobody leads");
    assert_eq!(said(&facts), [is("policy", 2, halted), is("bold", 7, halted)]);
    // A pod that has none yet says so.
    facts.pods.push(pod("c", "r2"));
    assert_eq!(said(&facts)[2], None);
}

#[test]
fn a_person_gives_a_desk_positions_and_takes_them_again() {
    let (mut desk, conduct, now) = (Desk::default(), Conduct::default(), Instant::now());
    let mut facts = Facts { pods: vec![pod("a", "r1")], ..Facts::default() };
    let mut open = |facts: &Facts, seconds| {
        let report = desk.look(facts, &conduct, now + Duration::from_secs(seconds)).remove(0);
        let open = report.exposed_symbols.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(report.flat, open.is_empty());
        open
    };
    assert!(open(&facts, 0).is_empty());
    facts.open = ["ETHUSD", "BTCUSD"].map(|symbol| symbol.parse().unwrap()).to_vec();
    assert_eq!(open(&facts, 1), ["BTCUSD", "ETHUSD"]);
    facts.closes = true;
    assert_eq!(open(&facts, 2), ["BTCUSD", "ETHUSD"], "it is only told to");
    assert!(open(&facts, 3).is_empty());
    (facts.closes, facts.open) = (false, Vec::new());
    assert!(open(&facts, 4).is_empty());
}

#[test]
fn positions_are_closed_when_the_desk_is_told_to() {
    let exposed = vec!["BTCUSDT".parse().unwrap()];
    let conduct = Conduct { exposed, open_orders: 2, ..Conduct::default() };
    let (mut desk, now) = (Desk::default(), Instant::now());
    let mut facts = under(policy(1, TradingState::Active));
    let mut flat = |facts: &Facts, milliseconds| {
        let at = now + Duration::from_millis(milliseconds);
        let report = desk.look(facts, &conduct, at).remove(0);
        report.write().unwrap();
        (report.trading_state, report.proves_flat(), report.open_orders)
    };
    assert_eq!(flat(&facts, 0), (TradingState::Active, false, 2));
    facts.pods[0].policy = Some(policy(2, TradingState::Halted));
    assert_eq!(flat(&facts, 100), (TradingState::Halted, false, 2));
    assert_eq!(flat(&facts, 600), (TradingState::Halted, true, 0));
    facts.pods[0].policy = Some(policy(3, TradingState::Active));
    assert!(!flat(&facts, 700).1);
    facts.closes = true;
    flat(&facts, 800);
    assert!(flat(&facts, 1300).1);
}
