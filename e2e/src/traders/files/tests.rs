use kube::runtime::reflector;
use kube::runtime::watcher::Event;
use sapphire_crds::conditions::TradingState;
use serde_json::json;

use super::*;

fn config_map(name: &str, file: &str, text: &str) -> ConfigMap {
    let metadata = json!({"name": name, "namespace": "desks"});
    serde_json::from_value(json!({"metadata": metadata, "data": {file: text}})).unwrap()
}

fn policy(name: &str, state: &str) -> String {
    let head = "apiVersion: sapphiretrade.xyz/v1alpha1\nkind: RiskPolicy\n";
    format!("{head}metadata: {{name: {name}}}\nspec: {{tradingState: {state}}}\n")
}

fn pod(desk: &str) -> Pod {
    let volume = |volume: &str, name: &str| json!({"name": volume, "configMap": {"name": name}});
    let volumes = [volume(DESK, desk), volume(POLICY, "desk-policy")];
    let spec = json!({"containers": [], "volumes": volumes});
    serde_json::from_value(json!({"metadata": {"namespace": "desks"}, "spec": spec})).unwrap()
}

fn manifest_of(policy: &str) -> String {
    let system = "kind: TradingSystem\nmetadata: {name: desk}\n";
    format!("kind: TradingAgent\n---\n{system}spec: {{riskPolicyRef: {{name: {policy}}}}}\n")
}

#[test]
fn each_pod_has_the_policy_that_its_own_desk_names() {
    let (config_maps, mut mount) = reflector::store();
    let (policies, mut store) = reflector::store();
    let mut files = Files::new(config_maps, policies);
    let mut mount = |name: &str, file: &str, text: &str| {
        mount.apply_watcher_event(&Event::Apply(config_map(name, file, text)));
    };
    let mut store = |name: &str, state: &str, generation: i64| {
        let mut policy: RiskPolicy = serde_saphyr::from_str(&policy(name, state)).unwrap();
        policy.metadata.namespace = Some("desks".into());
        policy.metadata.generation = Some(generation);
        store.apply_watcher_event(&Event::Apply(policy));
    };
    let mut under = |desk: &str| {
        files.count_generations();
        let policy = files.policy(&pod(desk), "desk")?;
        Some((policy.name.to_string(), policy.generation, policy.trading_state))
    };
    let is = |name: &str, generation, state| Some((name.to_owned(), generation, state));

    mount("desk-1", "system.yaml", &manifest_of("careful"));
    mount("desk-2", "system.yaml", &manifest_of("bold"));
    store("careful", "Active", 3);
    assert_eq!(under("desk-1"), None, "not delivered");
    let both = policy("careful", "Active") + "---\n" + &policy("bold", "Halted");
    mount("desk-policy", "policy.yaml", &both);
    assert_eq!(under("desk-1"), is("careful", 3, TradingState::Active));
    assert_eq!(under("desk-2"), is("bold", 0, TradingState::Halted), "never stored so");

    // What is stored is not what is delivered.
    store("careful", "Halted", 4);
    assert_eq!(under("desk-1"), is("careful", 3, TradingState::Active));
    mount("desk-policy", "policy.yaml", &policy("careful", "Halted"));
    assert_eq!(under("desk-1"), is("careful", 4, TradingState::Halted));
    assert_eq!(under("desk-2"), None);
    assert_eq!(under("desk-3"), None);
}
