//! A desk behind a proxy.

use crate::bench::Bench;

fn statuses(arguments: &str, callers: &[&str]) -> Vec<String> {
    let bench = Bench::quickstart(300);
    let mut desk = bench.run(&format!("--speed 60s --requests-per-minute 1 {arguments}"));
    let mut ask = |caller: &str| {
        let (head, _) = desk.without_token(&format!("x-forwarded-for: {caller}\r\n"));
        head.split(' ').nth(1).unwrap().to_owned()
    };
    callers.iter().map(|caller| ask(caller)).collect()
}

#[test]
fn behind_a_proxy_that_is_trusted_each_caller_is_counted_by_itself() {
    let callers = ["192.0.2.1", "192.0.2.2", "192.0.2.1"];
    let trusting = "--trusted-proxy 10.0.0.0/8,127.0.0.0/8";
    assert_eq!(statuses(trusting, &callers), ["200", "200", "429"]);
    assert_eq!(statuses("", &callers), ["200", "429", "429"]);
}

#[test]
fn a_proxy_that_is_no_network_is_told() {
    let bench = Bench::quickstart(50);
    let refused = bench.done("run -f DESK --db DB --trusted-proxy ten --exit");
    refused.refused(2, &["--trusted-proxy", "`ten`", "10.0.0.0/8"]);
}
