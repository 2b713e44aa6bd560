//! Checklist 1: words, sentences, segments.

use routeros_api::Command;

use crate::wire::{Client, command, prepared};

#[tokio::test]
async fn sentences_may_be_cut_anywhere() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    let mut bytes = Vec::new();
    command("/system/identity/print .tag=7").encode(&mut bytes);
    for byte in bytes {
        client.send_raw(&[byte]).await;
    }
    assert_eq!(client.words().await, ["!re", ".tag=7", "=name=MikroTik"]);
    assert_eq!(client.words().await, ["!done", ".tag=7"]);
}

#[tokio::test]
async fn several_sentences_may_come_at_once() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    let mut bytes = vec![0, 0];
    for tag in ["a", "b"] {
        command(&format!("/ppp/active/print .tag={tag}")).encode(&mut bytes);
        bytes.push(0);
    }
    client.send_raw(&bytes).await;
    assert_eq!(client.words().await, ["!done", ".tag=a"]);
    assert_eq!(client.words().await, ["!done", ".tag=b"]);
}

#[tokio::test]
async fn a_reserved_control_byte_ends_the_connection() {
    let sim = prepared().start().await.unwrap();
    for byte in [0xF1, 0xF8, 0xFF] {
        let mut client = Client::admin(&sim).await;
        client.send_raw(&[byte, 1, 2, 3, 4]).await;
        assert!(client.receive().await.is_none());
    }
}

#[tokio::test]
async fn a_word_too_long_to_be_meant_ends_the_connection() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    client.send_raw(&[0xEF, 0xFF, 0xFF, 0xFF]).await;
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn long_values_take_longer_lengths() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    for length in [127, 128, 16_383, 16_384, 300_000] {
        let source = "x".repeat(length);
        let id = client
            .talk(
                Command::new("/system/script/add")
                    .attribute("name", format!("s{length}"))
                    .attribute("source", &source),
            )
            .await;
        let read = client
            .say(&format!(
                "/system/script/print =.proplist=source ?.id={}",
                id.ret()
            ))
            .await;
        assert_eq!(read.rows[0]["source"].len(), length);
    }
}

#[tokio::test]
async fn values_are_bytes_and_need_no_quoting() {
    let sim = prepared().start().await.unwrap();
    let mut client = Client::admin(&sim).await;
    let comment = "a \"b\" $c; [x]\n=d\\";
    let id = client
        .talk(
            Command::new("/ip/pool/add")
                .attribute("name", "p")
                .attribute("ranges", "10.0.0.1")
                .attribute("comment", comment),
        )
        .await;
    let id = id.ret().to_owned();
    assert_eq!(
        client.say(&format!("/ip/pool/print ?.id={id}")).await.rows[0]["comment"],
        comment
    );

    let cp1251 = [0xcf, 0xf0, 0xe8];
    client
        .talk(
            Command::new("/ip/pool/set")
                .attribute(".id", &id)
                .attribute("comment", cp1251),
        )
        .await
        .ok();
    client
        .send(command(&format!(
            "/ip/pool/print =.proplist=comment ?.id={id}"
        )))
        .await;
    let row = client.receive().await.unwrap();
    assert_eq!(row.attribute("comment"), Some(&cp1251[..]));
}
