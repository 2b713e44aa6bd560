use std::time::Duration;

use routeros_api::{Error, Options, RowStream};

use crate::peer::{Peer, command, connected, plain, text, watched};

async fn next_name(rows: &mut RowStream) -> Option<String> {
    rows.next()
        .await
        .unwrap()
        .map(|row| row.text("name").unwrap().into_owned())
}

#[tokio::test]
async fn rows_come_before_the_command_has_ended() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, listen) = peer.expect("/ppp/active/listen").await;
            peer.reply("!re", &listen, &["=name=ann"]).await;
            // Only when the client has seen the row does it send this.
            let (_, tag) = peer.expect("/seen").await;
            peer.reply("!done", &tag, &[]).await;
            peer.reply("!re", &listen, &["=name=bob", "=.dead=true"])
                .await;
            peer.reply("!done", &listen, &["=ret=over"]).await;
        })
        .await;
        let mut rows = client.listen(command("/ppp/active/listen")).unwrap();
        assert_eq!(next_name(&mut rows).await.unwrap(), "ann");
        client.call(command("/seen")).await.unwrap();
        let row = rows.next().await.unwrap().unwrap();
        assert!(row.flag(".dead"));
        assert!(rows.done().is_none());
        assert_eq!(next_name(&mut rows).await, None);
        assert_eq!(next_name(&mut rows).await, None, "the end stays the end");
        assert_eq!(rows.done().unwrap().attribute("ret"), Some(&b"over"[..]));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn dropping_a_stream_cancels_it_and_its_tag_stays_known() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, x) = peer.expect("/ppp/active/listen").await;
            peer.reply("!re", &x, &["=name=ann"]).await;
            let (cancel, y) = peer.expect("/cancel").await;
            assert_eq!(text(cancel.attribute("tag").unwrap()), x);
            assert_ne!(x, y);
            // The order seen on RouterOS 7.23, with a record that was on its way.
            peer.reply("!re", &x, &["=name=late"]).await;
            peer.reply("!trap", &x, &["=category=2", "=message=interrupted"])
                .await;
            peer.reply("!done", &y, &[]).await;
            peer.reply("!done", &x, &[]).await;
            let (_, z) = peer.expect("/after").await;
            assert!(z != x && z != y, "tags are not used again");
            peer.reply("!done", &z, &[]).await;
        })
        .await;
        let mut rows = client.listen(command("/ppp/active/listen")).unwrap();
        assert_eq!(next_name(&mut rows).await.unwrap(), "ann");
        drop(rows);
        client.call(command("/after")).await.unwrap();
        assert_eq!(client.ignored(), 0, "everything that came was expected");
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stream_dropped_before_it_was_written_is_never_written() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/after").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        drop(client.listen(command("/never")).unwrap());
        client.call(command("/after")).await.unwrap();
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_trap_comes_after_the_rows_before_it() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/a/print").await;
            peer.reply("!re", &tag, &["=name=ann"]).await;
            peer.reply("!trap", &tag, &["=message=no such item (4)"])
                .await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let mut rows = client.stream(command("/a/print")).unwrap();
        assert_eq!(next_name(&mut rows).await.unwrap(), "ann");
        let error = rows.next().await.unwrap_err();
        assert!(error.refusal().unwrap().mentions("no such item"));
        assert!(
            rows.next().await.unwrap().is_none(),
            "an error is told once"
        );
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_connection_lives_as_long_as_a_stream() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            let (_, tag) = peer.expect("/a/print").await;
            peer.reply("!re", &tag, &["=name=ann"]).await;
            peer.reply("!done", &tag, &[]).await;
            peer.until_gone().await;
        })
        .await;
        let mut rows = client.stream(command("/a/print")).unwrap();
        drop(client);
        assert_eq!(next_name(&mut rows).await.unwrap(), "ann");
        assert_eq!(next_name(&mut rows).await, None);
        drop(rows);
        router.await.unwrap();
    })
    .await;
}

const ROW: &str = "=comment=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

async fn send_rows(peer: &mut Peer, tag: &str, count: usize) {
    for _ in 0..count {
        peer.reply("!re", tag, &[ROW]).await;
    }
}

fn small(options: Options) -> Options {
    options.stream_buffer(1_000).patience(Duration::ZERO)
}

#[tokio::test]
async fn a_small_buffer_loses_no_row_when_nobody_else_waits() {
    watched(async {
        let (client, router) = connected(small, |mut peer| async move {
            let (_, tag) = peer.expect("/big/print").await;
            send_rows(&mut peer, &tag, 50_000).await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let mut rows = client.stream(command("/big/print")).unwrap();
        let mut count = 0;
        while let Some(batch) = rows.next_rows().await.unwrap() {
            count += batch.filter(|row| row.bytes("comment").is_some()).count();
        }
        assert_eq!(count, 50_000);
        router.await.unwrap();
    })
    .await;
}

/// The task that should take the rows waits for another command first: without an end to patience, for ever.
#[tokio::test]
async fn a_full_stream_cannot_block_another_command_for_good() {
    watched(async {
        let (client, router) = connected(small, |mut peer| async move {
            let (_, big) = peer.expect("/big/print").await;
            let (_, other) = peer.expect("/other/print").await;
            send_rows(&mut peer, &big, 10_000).await;
            peer.reply("!done", &other, &[]).await;
            let (cancel, own) = peer.expect("/cancel").await;
            assert_eq!(text(cancel.attribute("tag").unwrap()), big);
            peer.reply("!done", &own, &[]).await;
            peer.reply("!done", &big, &[]).await;
        })
        .await;
        let mut rows = client.stream(command("/big/print")).unwrap();
        client.call(command("/other/print")).await.unwrap();
        let mut count = 0;
        let error = loop {
            match rows.next().await {
                Ok(row) => count += usize::from(row.is_some()),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Lagged) && !error.needs_reconnect());
        assert!(count > 0, "what had come is not lost");
        router.await.unwrap();
        assert_eq!(client.ignored(), 0);
    })
    .await;
}
