//! Getting in, and being told why not.

use std::borrow::Cow;

use mikro2fa_core::{router_backend::RouterError, secret::Secret};
use mikro2fa_router::{
    Error, Ssh,
    sentence::{Path, Sentence},
    simulator::Version,
    ssh::{Algorithms, Login, SshError},
    transport::{End, Line, Transport},
};
use russh::{
    MethodKind, Preferred, cipher, kex,
    keys::{Algorithm, PublicKey},
    mac,
};

use crate::{
    server::{Plan, Server},
    world::{self, World},
};

/// The test's own keys: made for it, and good for nothing else.
const KEYS: [(&str, &str, Option<&str>); 5] = [
    (
        include_str!("../data/ssh/ed25519"),
        include_str!("../data/ssh/ed25519.pub"),
        None,
    ),
    (
        include_str!("../data/ssh/ed25519-sealed"),
        include_str!("../data/ssh/ed25519-sealed.pub"),
        Some("open sesame"),
    ),
    (
        include_str!("../data/ssh/rsa"),
        include_str!("../data/ssh/rsa.pub"),
        None,
    ),
    (
        include_str!("../data/ssh/rsa-sealed"),
        include_str!("../data/ssh/rsa-sealed.pub"),
        Some("open sesame"),
    ),
    (
        include_str!("../data/ssh/rsa-pem"),
        include_str!("../data/ssh/rsa-pem.pub"),
        None,
    ),
];

async fn refused(server: &Server, login: Login) -> SshError {
    let mut config = server.config();
    config.login = login;
    match Ssh::new(config).connect().await {
        Err(Error::Ssh(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("in"),
    }
}

fn password(text: &str) -> Login {
    Login::Password(Secret::new(text))
}

fn key(text: &str, passphrase: Option<&str>) -> Login {
    Login::Key {
        key: Secret::new(text),
        passphrase: passphrase.map(Secret::new),
    }
}

#[tokio::test]
async fn a_password_lets_in_both_ways() {
    for method in [MethodKind::Password, MethodKind::KeyboardInteractive] {
        let plan = Plan {
            methods: vec![method],
            ..Plan::default()
        };
        let server = plan.start().await;
        let line = server.connect().await.unwrap();
        assert!(line.closed().is_none());
        let error = refused(&server, password("wrong")).await;
        let error = RouterError::from(error);
        assert!(matches!(error, RouterError::LoginRefused(_)), "{error}");
        assert!(
            error.to_string().contains("mikro2fa's password is refused"),
            "{error}"
        );
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
}

#[tokio::test]
async fn a_key_lets_in_also_an_encrypted_one() {
    for (private, public, passphrase) in KEYS {
        let plan = Plan {
            methods: vec![MethodKind::PublicKey],
            key: Some(PublicKey::from_openssh(public).unwrap()),
            ..Plan::default()
        };
        let server = plan.start().await;
        let mut config = server.config();
        config.login = key(private, passphrase);
        Ssh::new(config).connect().await.unwrap();
        if passphrase.is_some() {
            for wrong in [None, Some("close sesame")] {
                let error = refused(&server, key(private, wrong)).await;
                assert!(matches!(error, SshError::BadKey { .. }), "{error}");
                assert!(error.to_string().contains("passphrase"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_users_is_refused() {
    let (private, ..) = KEYS[0];
    let plan = Plan {
        methods: vec![MethodKind::PublicKey],
        key: Some(PublicKey::from_openssh(KEYS[2].1).unwrap()),
        ..Plan::default()
    };
    let server = plan.start().await;
    let error = refused(&server, key(private, None)).await;
    assert!(
        matches!(error, SshError::LoginRefused { what: "key", .. }),
        "{error}"
    );
    let nonsense = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let error = refused(&server, key(nonsense, None)).await;
    assert!(matches!(error, SshError::BadKey { .. }), "{error}");
}

/// RouterOS takes no password over SSH from a user who has a key.
#[tokio::test]
async fn who_has_a_key_is_told_why_the_password_is_not_taken() {
    let plan = Plan {
        methods: vec![MethodKind::PublicKey],
        ..Plan::default()
    };
    let server = plan.start().await;
    let error = refused(&server, password("any")).await.to_string();
    assert!(
        error.contains("no password over SSH from a user who has a key"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_key_that_is_not_pinned_is_named_and_gets_no_password() {
    for host_key in [Algorithm::Ed25519, Algorithm::Rsa { hash: None }] {
        let plan = Plan {
            host_key,
            ..Plan::default()
        };
        let server = plan.start().await;
        let mut config = server.config();
        config.pins = vec![[7; 32].into(), server.fingerprint.into()];
        Ssh::new(config.clone()).connect().await.unwrap();
        let hex: String = server
            .fingerprint
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let openssh = russh::keys::ssh_key::Fingerprint::Sha256(server.fingerprint).to_string();
        for pins in [Vec::new(), vec![[7; 32].into()]] {
            config.pins = pins;
            let Err(error) = Ssh::new(config.clone()).connect().await else {
                panic!("a stranger was trusted");
            };
            let error = RouterError::from(error);
            assert!(matches!(error, RouterError::WrongIdentity(_)), "{error}");
            let text = error.to_string();
            assert!(text.contains(&hex) && text.contains(&openssh), "{text}");
        }
    }
}

#[tokio::test]
async fn algorithms_of_old_are_not_agreed_to_unless_asked_for() {
    let plan = Plan {
        host_key: Algorithm::Rsa { hash: None },
        preferred: Preferred {
            kex: Cow::Borrowed(&[kex::DH_G14_SHA1]),
            key: Cow::Borrowed(&[Algorithm::Rsa { hash: None }]),
            cipher: Cow::Borrowed(&[cipher::AES_128_CTR]),
            mac: Cow::Borrowed(&[mac::HMAC_SHA1]),
            ..Preferred::DEFAULT
        },
        ..Plan::default()
    };
    let server = plan.start().await;
    let Err(Error::Ssh(error)) = server.connect().await else {
        panic!("SHA-1 was agreed to");
    };
    assert!(
        matches!(&error, SshError::NoCommonAlgorithm { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("ssh_legacy"), "{error}");
    let mut config = server.config();
    config.algorithms = Algorithms::Legacy;
    // Built with what `.cargo/config.toml` says: where that is left out, this says what is missing.
    Ssh::new(config).connect().await.unwrap();
}

#[tokio::test]
async fn version_6_is_reached_as_it_is_where_that_is_asked_for() {
    let sim = World::of(world::office().version(Version::V6_49).ssh(0))
        .await
        .sim;
    let mut config = world::ssh_config(&sim);
    let Err(Error::Ssh(SshError::NoCommonAlgorithm { .. })) =
        Ssh::new(config.clone()).connect().await
    else {
        panic!("SHA-1 was agreed to unasked");
    };
    config.algorithms = Algorithms::Legacy;
    let line = Ssh::new(config).connect().await.unwrap();
    let sentences = vec![Sentence::new(Path::IdentityPrint)];
    let answers = line.exchange(sentences, Box::new(|| true)).await;
    assert!(matches!(answers[0].end, End::Done { .. }), "{answers:?}");
}
