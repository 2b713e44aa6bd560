use std::time::Duration;

use routeros_api::login::ChallengeLogin;
use routeros_api::{Client, CloseReason, Error, Options, Phase, Sentence};

use crate::peer::{command, connected, options, plain, raw_router, text, watched};

#[tokio::test]
async fn name_and_password_go_in_one_untagged_sentence() {
    watched(async {
        let (address, router) = raw_router(|mut peer| async move {
            let (login, tag) = peer.expect("/login").await;
            assert_eq!(tag, "");
            assert_eq!(text(login.attribute("name").unwrap()), "admin");
            assert_eq!(text(login.attribute("password").unwrap()), "secret");
            peer.send(&["!done"]).await;
            let (_, tag) = peer.expect("/a").await;
            peer.reply("!done", &tag, &[]).await;
        })
        .await;
        let client = Client::connect(&options(&address)).await.unwrap();
        client.call(command("/a")).await.unwrap();
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_old_router_is_answered_only_where_that_is_allowed() {
    watched(async {
        for (challenge, allowed) in [
            (ChallengeLogin::Allowed, true),
            (ChallengeLogin::Refused, false),
        ] {
            let (address, router) = raw_router(move |mut peer| async move {
                peer.expect("/login").await;
                peer.send(&["!done", "=ret=00112233445566778899aabbccddeeff"])
                    .await;
                if allowed {
                    let (second, _) = peer.expect("/login").await;
                    assert_eq!(second.attribute("response").unwrap().len(), 34);
                    assert_eq!(second.attribute("password"), None);
                    peer.send(&["!done"]).await;
                }
                peer.until_gone().await;
            })
            .await;
            let outcome = Client::connect(&options(&address).challenge_login(challenge)).await;
            match outcome {
                Ok(_client) => assert!(allowed),
                Err(error) => assert!(
                    !allowed && matches!(error, Error::ChallengeRefused),
                    "{error}"
                ),
            }
            router.await.unwrap();
        }
    })
    .await;
}

async fn failure(adjust: impl FnOnce(Options) -> Options, script: Vec<u8>, hold: bool) -> Error {
    let (address, router) = raw_router(move |mut peer| async move {
        peer.expect("/login").await;
        peer.raw(&script).await;
        if hold {
            peer.until_gone().await;
        }
    })
    .await;
    let error = Client::connect(&adjust(options(&address)))
        .await
        .unwrap_err();
    router.await.unwrap();
    error
}

fn sentences(sentences: &[&[&str]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in sentences {
        Sentence::from_words(*words).encode(&mut bytes);
    }
    bytes
}

#[tokio::test]
async fn a_refused_login_is_told_in_the_routers_words() {
    watched(async {
        let refusal = "invalid user name or password (6)";
        let message = format!("=message={refusal}");
        let refusals = [
            (sentences(&[&["!trap", &message], &["!done"]]), true),
            // Closed before the `!done`.
            (sentences(&[&["!trap", &message]]), false),
            (sentences(&[&["!fatal", refusal]]), false),
        ];
        for (script, hold) in refusals {
            let error = failure(plain, script, hold).await;
            let Error::LoginRefused { message } = &error else {
                panic!("{error}");
            };
            assert_eq!(message, refusal);
            assert!(!error.is_temporary());
        }
    })
    .await;
}

#[tokio::test]
async fn a_router_that_closes_or_babbles_during_login_is_reported_as_such() {
    watched(async {
        let closed = failure(plain, Vec::new(), false).await;
        assert!(matches!(
            closed,
            Error::SetUp {
                phase: Phase::Login,
                reason: CloseReason::ByRouter,
                ..
            }
        ));
        let babble = failure(plain, b"\xFFSSH-2.0".to_vec(), true).await;
        assert!(matches!(
            babble,
            Error::SetUp {
                reason: CloseReason::Protocol(_),
                ..
            }
        ));
        // Before login nobody is trusted with large words.
        let large = failure(plain, b"\xE0\x80\x00\x00".to_vec(), true).await;
        assert!(matches!(
            large,
            Error::SetUp {
                reason: CloseReason::Protocol(_),
                ..
            }
        ));
    })
    .await;
}

#[tokio::test]
async fn a_router_that_says_nothing_runs_into_the_deadline() {
    watched(async {
        let quick = |options: Options| options.login_timeout(Duration::from_millis(20));
        let error = failure(quick, Vec::new(), true).await;
        assert!(matches!(
            error,
            Error::TooSlow {
                phase: Phase::Login,
                ..
            }
        ));
        assert!(error.is_temporary());
    })
    .await;
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    watched(async {
        let (address, router) = raw_router(|_peer| async {}).await;
        router.abort();
        // The listener is gone once its task is.
        assert!(router.await.unwrap_err().is_cancelled());
        let error = Client::connect(&options(&address)).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }));
        assert!(error.to_string().contains(&address));
    })
    .await;
}

#[tokio::test]
async fn what_came_behind_the_login_is_not_lost() {
    watched(async {
        let (client, router) = connected(plain, |mut peer| async move {
            peer.send(&["!fatal", "session terminated on request"])
                .await;
            peer.until_gone().await;
        })
        .await;
        assert!(matches!(client.closed().await, CloseReason::Fatal(_)));
        drop(client);
        router.await.unwrap();
    })
    .await;
}
