use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use routeros_api::{BatchOptions, CloseReason, Command, Error, Outcome};

use crate::peer::{Peer, command, connected, plain, text, watched};

fn adds(count: usize) -> Vec<Command> {
    (0..count)
        .map(|number| command("/x/add").attribute("n", number.to_string()))
        .collect()
}

fn done(ret: &str) -> Outcome {
    Outcome::Done {
        ret: Some(ret.as_bytes().into()),
    }
}

async fn next_add(peer: &mut Peer) -> (String, String) {
    let (sentence, tag) = peer.expect("/x/add").await;
    (text(sentence.attribute("n").unwrap()), tag)
}

#[tokio::test]
async fn outcomes_are_in_the_commands_order_whatever_the_replies() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let mut seen = Vec::new();
            for _ in 0..4 {
                seen.push(next_add(&mut peer).await);
            }
            for (number, tag) in seen.iter().rev() {
                if number == "2" {
                    peer.reply("!trap", tag, &["=message=failure: already have such entry"])
                        .await;
                    peer.reply("!done", tag, &[]).await;
                } else {
                    peer.reply("!done", tag, &[&format!("=ret=*{number}")])
                        .await;
                }
            }
        })
        .await;
        let batch = client.call_batch(adds(4), BatchOptions::new()).await;
        assert!(batch.error.is_none());
        assert_eq!(batch.outcomes[0], done("*0"));
        assert_eq!(batch.outcomes[1], done("*1"));
        assert!(
            matches!(&batch.outcomes[2], Outcome::Refused(refusal) if refusal.mentions("already"))
        );
        assert_eq!(batch.outcomes[3], done("*3"));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_more_are_under_way_than_the_window_allows() {
    watched(async {
        let answered = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&answered);
        let (client, router) = connected(plain, |mut peer| async move {
            for read in 1..=100 {
                let (_, tag) = next_add(&mut peer).await;
                assert!(read - told.load(Ordering::SeqCst) <= 3);
                if read >= 3 {
                    told.fetch_add(1, Ordering::SeqCst);
                }
                peer.reply("!done", &tag, &[]).await;
            }
        })
        .await;
        let batch = client
            .call_batch(adds(100), BatchOptions::new().window(3))
            .await;
        assert!(
            batch
                .outcomes
                .iter()
                .all(|outcome| *outcome == Outcome::Done { ret: None })
        );
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_window_of_one_waits_for_each_reply() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            for _ in 0..10 {
                let (_, tag) = next_add(&mut peer).await;
                let mut byte = [0];
                let more = peer.stream.try_read(&mut byte);
                assert!(more.is_err(), "nothing may follow before the reply");
                peer.reply("!done", &tag, &[]).await;
            }
        })
        .await;
        let batch = client
            .call_batch(adds(10), BatchOptions::new().window(1))
            .await;
        assert_eq!(batch.outcomes.len(), 10);
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_fence_keeps_the_rest_from_being_sent() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            for number in ["0", "1", "2"] {
                let (seen, tag) = next_add(&mut peer).await;
                assert_eq!(seen, number);
                peer.reply("!done", &tag, &[]).await;
            }
            let (_, tag) = peer.expect("/after").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let asked = AtomicUsize::new(0);
        let fence = move || asked.fetch_add(1, Ordering::SeqCst) < 3;
        let batch = client
            .call_batch(adds(5), BatchOptions::new().fence(fence))
            .await;
        assert!(batch.error.is_none());
        assert_eq!(batch.outcomes[2], Outcome::Done { ret: None });
        assert_eq!(batch.outcomes[3..], [Outcome::NotSent, Outcome::NotSent]);
        client.call(command("/after")).await.unwrap();
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_batch_cut_off_tells_what_may_have_been_done() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = next_add(&mut peer).await;
            next_add(&mut peer).await;
            peer.reply("!done", &tag, &[]).await;
            next_add(&mut peer).await;
        })
        .await;
        let batch = client
            .call_batch(adds(5), BatchOptions::new().window(2))
            .await;
        assert_eq!(
            batch.outcomes,
            [
                Outcome::Done { ret: None },
                Outcome::Unknown,
                Outcome::Unknown,
                Outcome::NotSent,
                Outcome::NotSent
            ]
        );
        assert!(batch.error.unwrap().is_outcome_unknown());
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_batch_on_a_closed_connection_sends_nothing() {
    watched(async {
        let (client, router) = connected(plain, |_peer| async {}).await;
        router.await.unwrap();
        client.closed().await;
        let batch = client.call_batch(adds(2), BatchOptions::new()).await;
        assert_eq!(batch.outcomes, [Outcome::NotSent, Outcome::NotSent]);
        let error = batch.error.unwrap();
        assert!(error.needs_reconnect() && !error.is_outcome_unknown());
    })
    .await;
}

#[tokio::test]
async fn an_unanswered_command_of_a_batch_ends_the_connection() {
    watched(async {
        let (client, router) =
            connected(plain, |mut peer| async move { peer.until_gone().await }).await;
        let options = BatchOptions::new()
            .timeout(std::time::Duration::from_millis(20))
            .window(1);
        let batch = client.call_batch(adds(2), options).await;
        assert_eq!(batch.outcomes, [Outcome::Unknown, Outcome::NotSent]);
        assert!(matches!(batch.error, Some(Error::TimedOut { .. })));
        assert!(matches!(client.closed().await, CloseReason::TimedOut));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_is_done_at_once() {
    watched(async {
        let (client, router) =
            connected(plain, |mut peer| async move { peer.until_gone().await }).await;
        let batch = client.call_batch(Vec::new(), BatchOptions::new()).await;
        assert!(batch.outcomes.is_empty() && batch.error.is_none());
        drop(client);
        router.await.unwrap();
    })
    .await;
}
