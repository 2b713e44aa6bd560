use std::time::Duration;

use routeros_api::{Client, Error, Options};

use crate::peer::{command, connected, plain, text, watched};

/// The names in an answer.
async fn names(client: &Client, path: &str) -> Result<Vec<String>, Error> {
    let answer = client.call(command(path)).await?;
    Ok(answer
        .rows
        .iter()
        .map(|row| row.text("name").unwrap_or_default().into_owned())
        .collect())
}

#[tokio::test]
async fn rows_and_ret_come_back() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/ppp/secret/print").await;
            peer.reply("!re", &tag, &["=name=ann"]).await;
            peer.reply("!re", &tag, &[]).await;
            peer.reply("!re", &tag, &["=name=a=b"]).await;
            peer.reply("!done", &tag, &[]).await;
            let (add, tag) = peer.expect("/ppp/secret/add").await;
            assert_eq!(text(add.attribute("name").unwrap()), "bob");
            peer.reply("!done", &tag, &["=ret=*3"]).await;
        })
        .await;
        assert_eq!(
            names(&client, "/ppp/secret/print").await.unwrap(),
            ["ann", "", "a=b"]
        );
        let add = command("/ppp/secret/add").attribute("name", "bob");
        assert_eq!(client.call(add).await.unwrap().ret(), Some(&b"*3"[..]));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn replies_of_several_commands_may_interleave() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, a) = peer.expect("/a/print").await;
            let (_, b) = peer.expect("/b/print").await;
            let (_, c) = peer.expect("/c/print").await;
            peer.reply("!re", &b, &["=name=b1"]).await;
            peer.reply("!re", &a, &["=name=a1"]).await;
            peer.reply("!trap", &c, &["=message=no such command"]).await;
            peer.reply("!re", &b, &["=name=b2"]).await;
            peer.reply("!done", &b, &[]).await;
            peer.reply("!done", &c, &[]).await;
            peer.reply("!re", &a, &["=name=a2"]).await;
            peer.reply("!done", &a, &[]).await;
        })
        .await;
        let (a, b, c) = tokio::join!(
            names(&client, "/a/print"),
            names(&client, "/b/print"),
            names(&client, "/c/print")
        );
        assert_eq!(a.unwrap(), ["a1", "a2"]);
        assert_eq!(b.unwrap(), ["b1", "b2"]);
        assert!(
            c.unwrap_err()
                .refusal()
                .unwrap()
                .mentions("no such command")
        );
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_refusal_ends_with_done_and_keeps_every_trap() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/x/set").await;
            peer.reply("!trap", &tag, &["=category=1", "=message=invalid value"])
                .await;
            peer.reply("!trap", &tag, &["=message=\u{e9}chec"]).await;
            peer.reply("!done", &tag, &[]).await;
            let (_, tag) = peer.expect("/y/print").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let error = client.call(command("/x/set")).await.unwrap_err();
        assert!(!error.is_outcome_unknown() && !error.needs_reconnect());
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.trap().category(), Some(1));
        assert_eq!(refusal.to_string(), "invalid value; \u{e9}chec");
        assert!(
            names(&client, "/y/print").await.unwrap().is_empty(),
            "replies stay in step"
        );
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn empty_and_unknown_replies_are_skipped() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/a/print").await;
            peer.raw(b"\0\0\0").await;
            peer.reply("!empty", &tag, &[]).await;
            peer.reply("!novelty", &tag, &["=x=y"]).await;
            peer.reply("!re", "4711", &["=name=nobody asked"]).await;
            peer.send(&["!re", "=name=no tag"]).await;
            peer.reply("!done", &tag, &[]).await;
            peer.until_gone().await;
        })
        .await;
        assert!(names(&client, "/a/print").await.unwrap().is_empty());
        assert_eq!(client.ignored(), 3);
        assert!(!client.is_closed());
        drop(client);
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn rows_before_a_trap_can_be_kept() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/ip/firewall/connection/print").await;
            peer.reply("!re", &tag, &["=.id=*1"]).await;
            peer.reply("!trap", &tag, &["=message=no such item (4)"])
                .await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let print = command("/ip/firewall/connection/print");
        // However long a caller wants to wait.
        let answer = client.call_partial(print, Duration::MAX).await.unwrap();
        assert_eq!(answer.rows.len(), 1);
        assert!(answer.refusal.unwrap().mentions("NO SUCH ITEM"));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn bytes_in_pieces_and_long_lengths_are_understood() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/a/print").await;
            let value = "v".repeat(70_000);
            let mut bytes = b"\xF0\x00\x00\x00\x03!re".to_vec();
            routeros_api::word::encode_word(format!(".tag={tag}").as_bytes(), &mut bytes);
            routeros_api::word::encode_word(format!("=name={value}").as_bytes(), &mut bytes);
            bytes.push(0);
            for piece in bytes[..40].chunks(1).chain(bytes[40..].chunks(9_999)) {
                peer.raw(piece).await;
                tokio::task::yield_now().await;
            }
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        assert_eq!(names(&client, "/a/print").await.unwrap()[0].len(), 70_000);
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_answer_above_the_limit_is_cancelled_and_costs_no_connection() {
    watched(async {
        let small = |options: Options| options.answer_limit(1_000);
        let (client, router) = connected(small, |mut peer| async move {
            let (_, tag) = peer.expect("/file/print").await;
            for _ in 0..20 {
                peer.reply(
                    "!re",
                    &tag,
                    &["=contents=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
                )
                .await;
            }
            let (cancel, own) = peer.expect("/cancel").await;
            assert_eq!(text(cancel.attribute("tag").unwrap()), tag);
            peer.reply("!trap", &tag, &["=category=2", "=message=interrupted"])
                .await;
            peer.reply("!done", &own, &[]).await;
            peer.reply("!done", &tag, &[]).await;
            let (_, tag) = peer.expect("/b/print").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let error = client.call(command("/file/print")).await.unwrap_err();
        assert!(matches!(error, Error::AnswerTooLarge { limit: 1_000 }));
        assert!(names(&client, "/b/print").await.is_ok());
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_call_that_was_dropped_runs_to_its_end_unheard() {
    watched(async {
        let (seen, was_seen) = tokio::sync::oneshot::channel();
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, a) = peer.expect("/a/print").await;
            seen.send(()).unwrap();
            let (_, b) = peer.expect("/b/print").await;
            peer.reply("!re", &a, &["=name=late"]).await;
            peer.reply("!done", &a, &[]).await;
            peer.reply("!re", &b, &["=name=b"]).await;
            peer.reply("!done", &b, &[]).await;
        })
        .await;
        let other = client.clone();
        let dropped = tokio::spawn(async move { other.call(command("/a/print")).await });
        was_seen.await.unwrap();
        dropped.abort();
        assert_eq!(names(&client, "/b/print").await.unwrap(), ["b"]);
        assert_eq!(client.ignored(), 0);
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_call_dropped_before_it_was_written_is_never_written() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/second").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        {
            // Polled once, so that the request is made; the connection's task had no turn yet.
            let mut first = Box::pin(client.call(command("/first")));
            assert!(futures_poll_once(&mut first).await.is_none());
        }
        client.call(command("/second")).await.unwrap();
        router.await.unwrap();
    })
    .await;
}

/// Polls a future once, within the task that calls.
async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(
        |context| match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending => std::task::Poll::Ready(None),
        },
    )
    .await
}

#[tokio::test]
async fn a_command_above_the_limit_is_not_sent() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            peer.expect("/fine").await;
        })
        .await;
        let huge = command("/huge").attribute("x", vec![0; 33 << 20]);
        let error = client.call(huge).await.unwrap_err();
        assert!(matches!(error, Error::CommandTooLong { .. }) && !error.is_outcome_unknown());
        assert!(client.call(command("/fine")).await.is_err());
        router.await.unwrap();
    })
    .await;
}
