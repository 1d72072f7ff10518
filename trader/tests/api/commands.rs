use std::time::Duration;

use rstest::rstest;
use sapphire_engine::event::Command;
use sapphire_engine::ids::{AgentId, CommandId, OrderId};
use sapphire_engine::instrument::SymbolId;
use sapphire_trader::api::commands::{Asked, Refusal};
use serde_json::{Value, json};

use crate::desk::{Desk, error};

/// The desk takes one command and answers it; what it was asked comes back.
fn answer_one(
    desk: &mut Desk,
    answer: Result<(u64, u64), Refusal>,
) -> std::thread::JoinHandle<Asked> {
    let inbox = desk.inbox.take().unwrap();
    std::thread::spawn(move || {
        let begun = inbox.recv().unwrap().begin().unwrap();
        let asked = begun.asked.clone();
        match answer {
            Ok((id, sequence)) => begun.accept(CommandId(id), sequence),
            Err(refusal) => begun.refuse(refusal),
        }
        asked
    })
}

#[rstest]
#[case("halt", json!({"reason":" fire drill ","who":"ana"}), Command::Halt { flatten: false }, "ana", "fire drill")]
#[case("halt", json!({"reason":"x","flatten":true}), Command::Halt { flatten: true }, "api", "x")]
#[case("resume", json!({"reason":"over","who":"ana"}), Command::Resume, "ana", "over")]
#[case("close", json!({"symbol":"ETHUSD"}), Command::Close { symbol: SymbolId(1) }, "api", "none given")]
#[case("cancel", json!({"orderId":"o12","reason":"stale"}), Command::Cancel { order: OrderId(12) }, "api", "stale")]
#[case("pause", json!({"symbol":"BTCUSD"}), Command::PauseSymbol { symbol: SymbolId(0), paused: true }, "api", "none given")]
#[case("pause", json!({"agent":"vpin"}), Command::PauseAgent { agent: AgentId(1), paused: true }, "api", "none given")]
#[case("unpause", json!({"symbol":"BTCUSD"}), Command::PauseSymbol { symbol: SymbolId(0), paused: false }, "api", "none given")]
#[case("unpause", json!({"agent":"trend"}), Command::PauseAgent { agent: AgentId(0), paused: false }, "api", "none given")]
#[tokio::test]
async fn a_command_reaches_the_desk_and_is_answered_when_durable(
    #[case] name: &str,
    #[case] body: Value,
    #[case] command: Command,
    #[case] who: &str,
    #[case] reason: &str,
) {
    let mut desk = Desk::open().await;
    let thread = answer_one(&mut desk, Ok((3, 17)));
    let sent = desk.command(name).header("x-correlation-id", "drill-7").json(&body);
    let response = sent.send().await.unwrap();
    assert_eq!(response.status(), 202);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({ "accepted": true, "commandId": "c3", "journalSequence": 17 }));
    let expected =
        Asked { command, who: who.into(), reason: reason.into(), correlation_id: "drill-7".into() };
    assert_eq!(thread.join().unwrap(), expected);
}

#[rstest]
#[case(Refusal::Conflict("the desk is not halted".into()), 409, "Conflict")]
#[case(Refusal::NotFound("no order o12".into()), 404, "NotFound")]
#[case(Refusal::Unavailable("the journal cannot be written".into()), 503, "Unavailable")]
#[tokio::test]
async fn what_the_desk_refuses_is_told_in_its_words(
    #[case] refusal: Refusal,
    #[case] status: u16,
    #[case] code: &str,
) {
    let mut desk = Desk::open().await;
    let (Refusal::Conflict(words) | Refusal::NotFound(words) | Refusal::Unavailable(words)) =
        refusal.clone();
    let thread = answer_one(&mut desk, Err(refusal));
    let response = desk.command("resume").json(&json!({ "reason": "x" })).send().await.unwrap();
    assert_eq!(error(response, status, code).await, words);
    thread.join().unwrap();
}

#[tokio::test]
async fn a_busy_desk_withdraws_a_resume_but_keeps_a_halt() {
    let desk = Desk::impatient(|_| ()).await;
    let send = |name: &str| desk.command(name).json(&json!({ "reason": "x" })).send();
    let message = error(send("resume").await.unwrap(), 503, "Unavailable").await;
    assert!(message.contains("withdrawn") && message.contains("nothing was done"), "{message}");
    let message = error(send("halt").await.unwrap(), 503, "Unavailable").await;
    assert!(message.contains("stays queued"), "{message}");
    let inbox = desk.inbox.as_ref().unwrap();
    assert!(inbox.recv().unwrap().begin().is_none());
    assert_eq!(
        inbox.recv().unwrap().begin().unwrap().asked.command,
        Command::Halt { flatten: false }
    );
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let desk = Desk::impatient(|_| ()).await;
    let send = || desk.command("halt").json(&json!({ "reason": "x" })).send();
    let began = std::time::Instant::now();
    let answers = futures::future::join_all((0..12).map(|_| send())).await;
    let mut full = 0;
    for answer in answers {
        let answer = answer.unwrap();
        if answer.headers().contains_key("retry-after") {
            full += 1;
            assert!(error(answer, 503, "Unavailable").await.contains("too many commands waiting"));
        }
    }
    assert_eq!(full, 8, "the queue has four places");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_desk_that_ended_takes_no_commands() {
    let mut desk = Desk::open().await;
    desk.inbox = None;
    let response = desk.command("halt").json(&json!({ "reason": "x" })).send().await.unwrap();
    let message = error(response, 503, "Unavailable").await;
    assert!(message.contains("has ended") && message.contains("nothing was done"), "{message}");
}
