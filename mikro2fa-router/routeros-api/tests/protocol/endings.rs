use std::time::Duration;

use routeros_api::{CloseReason, DecodeError, Error};

use crate::peer::{command, connected, plain, watched};

/// What a call, a stream and a later call hear when the script ends the connection after both have been sent.
async fn endings(script: &'static [u8]) -> (Error, Error, Error) {
    let (client, router) = connected(plain, move |mut peer| async move {
        peer.expect("/a/listen").await;
        peer.expect("/b/add").await;
        peer.raw(script).await;
    })
    .await;
    let mut rows = client.listen(command("/a/listen")).unwrap();
    let call = client.call(command("/b/add")).await.unwrap_err();
    let stream = rows.next().await.unwrap_err();
    let later = client.call(command("/c/add")).await.unwrap_err();
    router.await.unwrap();
    assert!(client.is_closed() && client.close_reason().is_some());
    (call, stream, later)
}

fn reason(error: &Error) -> &CloseReason {
    match error {
        Error::Closed { reason, .. } => reason,
        other => panic!("not closed: {other}"),
    }
}

#[tokio::test]
async fn fatal_is_told_to_everybody_in_the_routers_words() {
    watched(async {
        let (call, stream, later) = endings(b"\x06!fatal\x0dnot logged in\0").await;
        for error in [&call, &stream, &later] {
            assert!(matches!(reason(error), CloseReason::Fatal(text) if text == "not logged in"));
            assert!(error.needs_reconnect() && error.is_temporary());
        }
        assert!(call.is_outcome_unknown() && stream.is_outcome_unknown());
        assert!(!later.is_outcome_unknown(), "what never left was not done");
        assert_eq!(
            call.to_string(),
            "the connection is closed: the router ended it: not logged in; whether the command was done is unknown"
        );
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_fails_everybody() {
    watched(async {
        let (call, stream, later) = endings(b"").await;
        for error in [&call, &stream, &later] {
            assert!(matches!(reason(error), CloseReason::ByRouter));
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_in_a_sentence_was_cut_off() {
    watched(async {
        for script in [&b"\x03!re\x06.tag"[..], b"\x03!re", b"\xF0\x00"] {
            let (call, _, _) = endings(script).await;
            assert!(matches!(reason(&call), CloseReason::CutOff));
        }
    })
    .await;
}

#[tokio::test]
async fn bytes_that_are_no_api_end_the_connection() {
    watched(async {
        let (call, _, later) = endings(b"\xFF\xFF\xFF").await;
        assert!(matches!(
            reason(&call),
            CloseReason::Protocol(DecodeError::ControlByte(0xFF))
        ));
        assert!(!later.is_temporary());
        let (call, _, _) = endings(b"\xF0\xFF\xFF\xFF\xFF").await;
        assert!(matches!(
            reason(&call),
            CloseReason::Protocol(DecodeError::WordTooLong { .. })
        ));
    })
    .await;
}

#[tokio::test]
async fn a_command_without_an_answer_ends_the_connection_for_everybody() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            peer.expect("/slow").await;
            peer.expect("/other").await;
            peer.until_gone().await;
        })
        .await;
        let (slow, other) = tokio::join!(
            client.call_within(command("/slow"), Duration::from_millis(20)),
            client.call(command("/other")),
        );
        let (slow, other) = (slow.unwrap_err(), other.unwrap_err());
        assert!(matches!(slow, Error::TimedOut { after } if after == Duration::from_millis(20)));
        assert!(slow.is_outcome_unknown() && slow.needs_reconnect() && slow.refusal().is_none());
        assert!(matches!(reason(&other), CloseReason::TimedOut));
        assert!(other.is_outcome_unknown());
        assert!(client.is_closed());
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_trap_without_its_done_is_no_answer() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/x").await;
            peer.reply("!trap", &tag, &["=message=half a refusal"])
                .await;
            peer.until_gone().await;
        })
        .await;
        let error = client
            .call_within(command("/x"), Duration::from_millis(20))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_times_out_and_a_listen_does_not() {
    watched(async {
        let quick =
            |options: routeros_api::Options| options.command_timeout(Duration::from_millis(20));
        let (client, router) = connected(quick, |mut peer| async move {
            let (_, tag) = peer.expect("/a/listen").await;
            let (_, print) = peer.expect("/b/print").await;
            peer.reply("!re", &tag, &["=name=ann"]).await;
            peer.reply("!re", &print, &["=name=ann"]).await;
            peer.until_gone().await;
        })
        .await;
        let mut listen = client.listen(command("/a/listen")).unwrap();
        let mut print = client.stream(command("/b/print")).unwrap();
        assert!(listen.next().await.unwrap().is_some());
        assert!(print.next().await.unwrap().is_some());
        assert!(matches!(print.next().await, Err(Error::TimedOut { .. })));
        assert!(matches!(
            reason(&listen.next().await.unwrap_err()),
            CloseReason::TimedOut
        ));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn close_ends_the_connection_now() {
    watched(async {
        let (client, router) =
            connected(plain, |mut peer| async move { peer.until_gone().await }).await;
        let mut rows = client.listen(command("/a/listen")).unwrap();
        client.close();
        assert!(matches!(
            reason(&rows.next().await.unwrap_err()),
            CloseReason::Local
        ));
        assert!(matches!(client.closed().await, CloseReason::Local));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_connection_ends_with_its_last_handle() {
    watched(async {
        let (client, router) =
            connected(plain, |mut peer| async move { peer.until_gone().await }).await;
        let other = client.clone();
        drop(client);
        assert!(!other.is_closed());
        drop(other);
        router.await.unwrap();
    })
    .await;
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (inner, outer) = (runtime(), runtime());
    let (client, mut rows) = inner.block_on(async {
        let (client, _router) =
            connected(plain, |mut peer| async move { peer.until_gone().await }).await;
        let rows = client.listen(command("/a/listen")).unwrap();
        (client, rows)
    });
    drop(inner);
    outer.block_on(watched(async {
        assert!(rows.next().await.is_err());
        assert!(client.call(command("/b")).await.is_err());
    }));
}
