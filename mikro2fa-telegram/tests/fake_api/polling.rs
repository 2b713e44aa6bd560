//! Long polling: what is kept, what is lost, who is sent away.

use std::time::Duration;

use serde_json::{Value, json};

use super::Wire;

const OTHER: &str = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";

fn texts(updates: &Value) -> Vec<&str> {
    updates
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|update| update["message"]["text"].as_str())
        .collect()
}

#[tokio::test]
async fn an_update_is_repeated_until_it_is_confirmed() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    ann.send("two");
    let first = wire.call("getUpdates", json!({})).await;
    assert_eq!(texts(&first), ["/start", "two"]);
    wire.api.advance(Duration::from_secs(1));
    assert_eq!(wire.call("getUpdates", json!({})).await, first);
    let next = first[0]["update_id"].as_i64().unwrap() + 1;
    assert_eq!(
        texts(&wire.call("getUpdates", json!({ "offset": next })).await),
        ["two"]
    );
    assert_eq!(wire.api.with(|world| world.pending_updates()), 1);
}

#[tokio::test]
async fn a_poll_waits_for_the_next_update() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let last = wire.call("getUpdates", json!({})).await[0]["update_id"]
        .as_i64()
        .unwrap();
    let poll = wire.call("getUpdates", json!({ "offset": last + 1, "timeout": 50 }));
    let send = async {
        wire.api
            .until("a poll", |world| world.polling())
            .await
            .unwrap();
        ann.send("now");
    };
    let (updates, ()) = tokio::join!(poll, send);
    assert_eq!(texts(&updates), ["now"]);
    assert!(!wire.api.with(|world| world.polling()));
}

#[tokio::test]
async fn repeating_an_offset_at_once_gives_one_update() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    ann.send("two");
    assert_eq!(texts(&wire.call("getUpdates", json!({})).await).len(), 2);
    assert_eq!(texts(&wire.call("getUpdates", json!({})).await).len(), 1);
    wire.api.advance(Duration::from_millis(500));
    assert_eq!(texts(&wire.call("getUpdates", json!({})).await).len(), 2);
}

#[tokio::test]
async fn a_tap_not_fetched_in_150_seconds_is_lost() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    let id = wire.say(42, "?").await;
    ann.tap_raw(id, "x");
    wire.api.advance(Duration::from_secs(151));
    assert_eq!(texts(&wire.call("getUpdates", json!({})).await), ["/start"]);
    wire.api.advance(Duration::from_secs(24 * 3600));
    assert_eq!(wire.call("getUpdates", json!({})).await, json!([]));
    assert_eq!(wire.api.with(|world| world.expired_updates()), 2);
}

#[tokio::test]
async fn who_comes_later_takes_the_place() {
    let wire = Wire::start().await;
    let poll = |timeout: u32| json!({ "timeout": timeout, "offset": timeout });
    let waiting = |turns: usize| {
        let wire = &wire;
        async move {
            wire.api
                .until("so many polls", |world| {
                    world.count("getUpdates") == turns && world.polling()
                })
                .await
                .unwrap();
        }
    };
    let third = async {
        waiting(2).await;
        let (done, ()) = tokio::join!(wire.try_call("getUpdates", poll(42)), async {
            waiting(3).await;
            // The second 409 within 3 s comes 3 s late, by the server's clock.
            wire.api.advance(Duration::from_secs(3));
            wire.ann();
        });
        done.unwrap()
    };
    let second = async {
        waiting(1).await;
        wire.refusal("getUpdates", poll(41)).await
    };
    let (first, second, third) = tokio::join!(wire.refusal("getUpdates", poll(40)), second, third);
    assert_eq!(
        (first, second),
        ((409, OTHER.to_owned()), (409, OTHER.to_owned()))
    );
    assert_eq!(texts(&third.1["result"]), ["/start"]);
}

#[tokio::test]
async fn a_webhook_ends_polling() {
    let wire = Wire::start().await;
    let set = async {
        wire.api
            .until("a poll", |world| world.polling())
            .await
            .unwrap();
        wire.call("setWebhook", json!({ "url": "https://example.com/" }))
            .await
    };
    let (poll, _) = tokio::join!(wire.refusal("getUpdates", json!({ "timeout": 50 })), set);
    assert_eq!(
        poll,
        (409, "Conflict: terminated by setWebhook request".to_owned())
    );
    let words = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the \
                 webhook first";
    assert_eq!(
        wire.refusal("getUpdates", json!({})).await,
        (409, words.to_owned())
    );
    wire.ann();
    wire.call("deleteWebhook", json!({})).await;
    assert_eq!(texts(&wire.call("getUpdates", json!({})).await), ["/start"]);
}

#[tokio::test]
async fn a_poller_that_goes_away_frees_the_place() {
    let wire = Wire::start().await;
    let poll = wire.try_call("getUpdates", json!({ "timeout": 50 }));
    let gone = async {
        wire.api
            .until("a poll", |world| world.polling())
            .await
            .unwrap()
    };
    tokio::select! {
        biased;
        _ = poll => panic!("nothing was there to fetch"),
        () = gone => {}
    }
    wire.api
        .until("nobody to poll", |world| !world.polling())
        .await
        .unwrap();
}

#[tokio::test]
async fn only_what_was_asked_for_is_queued() {
    let wire = Wire::start().await;
    wire.call("getUpdates", json!({ "allowed_updates": ["message"] }))
        .await;
    let ann = wire.ann();
    ann.block_bot();
    assert_eq!(wire.api.with(|world| world.pending_updates()), 1);
}

#[tokio::test]
async fn update_ids_may_start_lower_again() {
    let wire = Wire::start().await;
    let ann = wire.ann();
    wire.api.continue_update_ids_from(5);
    ann.send("lower");
    let updates = wire.call("getUpdates", json!({})).await;
    let ids: Vec<_> = updates
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["update_id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [731_000_001, 5]);
}
