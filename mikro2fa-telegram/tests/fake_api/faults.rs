//! What can be made to go wrong.

use std::time::Duration;

use mikro2fa_telegram::fake_api::{CallOutcome, Fault, FaultRule, Refusal};
use serde_json::json;

use super::Wire;

fn hello() -> serde_json::Value {
    json!({ "chat_id": 42, "text": "hello" })
}

#[tokio::test]
async fn refusals_of_ones_own_choice() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    wire.api
        .inject(FaultRule::new(Fault::Refuse(Refusal::too_many_requests(7))).method("sendmessage"));
    wire.call("getMe", json!({})).await;
    let (_, body) = wire.try_call("sendMessage", hello()).await.unwrap();
    assert_eq!(body["parameters"]["retry_after"], json!(7));
    assert!(ann.last().is_none());
    wire.call("sendMessage", hello()).await;
    let outcomes: Vec<_> = wire
        .api
        .calls()
        .into_iter()
        .map(|call| call.outcome)
        .collect();
    let refused = CallOutcome::Refused(Refusal::too_many_requests(7));
    assert_eq!(outcomes, [CallOutcome::Done, refused, CallOutcome::Done]);
}

#[tokio::test]
async fn the_servers_own_flood_control_takes_its_time() {
    let wire = Wire::start().await;
    wire.api
        .inject(FaultRule::new(Fault::Refuse(Refusal::flood())));
    let advance = async {
        wire.api
            .until("the call", |world| world.in_flight() == 1)
            .await
            .unwrap();
        wire.api.advance(Duration::from_secs(3));
    };
    let (refusal, ()) = tokio::join!(wire.refusal("getMe", json!({})), advance);
    assert_eq!(
        refusal,
        (429, "Too Many Requests: retry after 60".to_owned())
    );
}

#[tokio::test]
async fn a_page_between_us_and_the_server() {
    let wire = Wire::start().await;
    wire.api.inject(FaultRule::new(Fault::BadGateway));
    let url = format!("{}bot{}/getMe", wire.api.url(), wire.api.token());
    let answer = wire.http.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
}

#[tokio::test]
async fn what_is_lost_on_the_way() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let shown = || {
        ann.shown()
            .iter()
            .filter(|message| message.from_bot)
            .count()
    };

    wire.api.inject(FaultRule::new(Fault::LoseCall));
    assert!(wire.try_call("sendMessage", hello()).await.is_err());
    assert_eq!(shown(), 0);

    wire.api.inject(FaultRule::new(Fault::LoseReply));
    assert!(wire.try_call("sendMessage", hello()).await.is_err());
    assert_eq!(shown(), 1);

    wire.api.inject(FaultRule::new(Fault::LoseMessage));
    let id = wire.call("sendMessage", hello()).await["message_id"]
        .as_i64()
        .unwrap();
    assert_eq!(shown(), 1);
    let edit = json!({ "chat_id": 42, "message_id": id, "text": "x" });
    assert_eq!(
        wire.refusal("editMessageText", edit).await.1,
        "Bad Request: message to edit not found"
    );
}

#[tokio::test]
async fn stalls_end_when_they_are_told_to() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    wire.api.inject(FaultRule::new(Fault::Stall));
    wire.api.inject(FaultRule::new(Fault::StallReply));
    let stalled = async {
        let in_hand = |world: &mikro2fa_telegram::fake_api::World| world.in_flight() == 2;
        wire.api
            .until("two calls, one message", |w| {
                in_hand(w) && w.last_from_bot(42).is_some()
            })
            .await
            .unwrap();
        assert_eq!(ann.shown().len(), 2);
        wire.api.release();
    };
    tokio::join!(
        wire.call("sendMessage", hello()),
        wire.call("sendMessage", hello()),
        stalled
    );
    assert_eq!(ann.shown().len(), 3);
}

#[tokio::test]
async fn a_server_that_is_down_comes_back_with_everything() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let down = async {
        wire.api
            .until("a poll", |world| world.polling())
            .await
            .unwrap();
        wire.api.set_down(true);
    };
    let (poll, ()) = tokio::join!(
        wire.try_call(
            "getUpdates",
            json!({ "offset": 731_000_002, "timeout": 50 })
        ),
        down
    );
    assert!(poll.is_err());
    assert!(wire.try_call("getMe", json!({})).await.is_err());
    ann.send("while you were away");
    wire.api.set_down(false);
    let updates = wire.call("getUpdates", json!({})).await;
    assert_eq!(updates[0]["message"]["text"], json!("while you were away"));
}

#[tokio::test]
async fn a_wait_that_is_in_vain_says_what_was_there() {
    let wire = Wire::with(mikro2fa_telegram::fake_api::FakeConfig {
        watchdog: Duration::from_millis(1),
        ..Default::default()
    })
    .await;
    let ann = wire.ann();
    wire.say(42, "hello").await;
    let error = ann
        .message_where(|message| message.text == "bye")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("2 bot: hello"), "{error}");
}
