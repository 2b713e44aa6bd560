//! TLS with certificates such as routers have. `certificates/` holds keys made for these tests alone:
//! `odd` is RSA with an unknown critical extension and a key usage that forbids serving, `old` is an X.509v1
//! certificate that ended in 2001, `issued` was issued by `ca` for 127.0.0.1.

use std::sync::Arc;
use std::time::Duration;

use routeros_api::tls::{Fingerprint, Tls, fetch_fingerprint};
use routeros_api::{Client, Error, Phase};
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::peer::{Peer, command, options, raw_router, watched};

const CA: &[u8] = include_bytes!("certificates/ca.pem");
const ODD: Pair = (
    include_bytes!("certificates/odd.pem"),
    include_bytes!("certificates/odd.key"),
);
const OLD: Pair = (
    include_bytes!("certificates/old.pem"),
    include_bytes!("certificates/old.key"),
);
const ISSUED: Pair = (
    include_bytes!("certificates/issued.pem"),
    include_bytes!("certificates/issued.key"),
);

type Pair = (&'static [u8], &'static [u8]);

fn fingerprint((certificate, _): Pair) -> Fingerprint {
    Fingerprint::of(&CertificateDer::from_pem_slice(certificate).unwrap())
}

/// A router with this certificate and key, which are not checked to belong together.
async fn router(
    (certificate, key): Pair,
    version: &'static SupportedProtocolVersion,
) -> (String, JoinHandle<()>) {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = any_supported_type(&PrivateKeyDer::from_pem_slice(key).unwrap()).unwrap();
    let certified = CertifiedKey::new(vec![certificate], key);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    raw_router(|peer| async move {
        let Ok(stream) = acceptor.accept(peer.stream).await else {
            return;
        };
        let mut peer = Peer::new(stream);
        let Some(login) = peer.receive().await else {
            return;
        };
        assert_eq!(login.command(), Some(&b"/login"[..]));
        peer.send(&["!done"]).await;
        let (_, tag) = peer.expect("/system/identity/print").await;
        peer.reply("!re", &tag, &["=name=edge"]).await;
        peer.reply("!done", &tag, &[]).await;
        peer.until_gone().await;
    })
    .await
}

/// Asks a router with this certificate for its name.
async fn name(
    pair: Pair,
    version: &'static SupportedProtocolVersion,
    tls: &Tls,
) -> Result<String, Error> {
    let (address, router) = router(pair, version).await;
    let outcome = async {
        let client = Client::connect(&options(&address).tls(tls.clone())).await?;
        let answer = client.call(command("/system/identity/print")).await?;
        Ok(answer
            .rows
            .get(0)
            .unwrap()
            .text("name")
            .unwrap()
            .into_owned())
    }
    .await;
    router.await.unwrap();
    outcome
}

#[tokio::test]
async fn a_pin_is_enough_whatever_the_certificate_looks_like() {
    watched(async {
        for version in [&TLS12, &TLS13] {
            for pair in [ODD, OLD, ISSUED] {
                let tls = Tls::pinned([fingerprint(ISSUED), fingerprint(pair)]).unwrap();
                assert_eq!(name(pair, version, &tls).await.unwrap(), "edge");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn another_certificate_is_refused_and_its_fingerprint_told() {
    watched(async {
        for version in [&TLS12, &TLS13] {
            let tls = Tls::pinned([fingerprint(ISSUED)]).unwrap();
            let error = name(ODD, version, &tls).await.unwrap_err();
            let Error::NotPinned { presented, .. } = error else {
                panic!("{error}");
            };
            assert_eq!(presented, fingerprint(ODD));
            assert!(!error.is_temporary());
        }
    })
    .await;
}

/// A certificate is public: whoever shows the right one must also hold its key.
#[tokio::test]
async fn the_right_certificate_with_another_key_is_refused() {
    watched(async {
        for version in [&TLS12, &TLS13] {
            let tls = Tls::pinned([fingerprint(ISSUED)]).unwrap();
            let error = name((ISSUED.0, OLD.1), version, &tls).await.unwrap_err();
            assert!(matches!(error, Error::Tls { .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_authority_vouches_for_what_it_issued_and_for_nothing_else() {
    watched(async {
        let tls = Tls::authorities(CA).unwrap();
        assert_eq!(name(ISSUED, &TLS12, &tls).await.unwrap(), "edge");
        for stranger in [ODD, OLD] {
            let error = name(stranger, &TLS12, &tls).await.unwrap_err();
            assert!(matches!(error, Error::Tls { .. }), "{error}");
        }
        let misnamed = tls.server_name("other.example");
        let error = name(ISSUED, &TLS12, &misnamed).await.unwrap_err();
        assert!(matches!(error, Error::Tls { .. }), "{error}");
    })
    .await;
}

#[tokio::test]
async fn the_fingerprint_can_be_fetched_before_anything_is_trusted() {
    watched(async {
        let (address, router) = router(ODD, &TLS12).await;
        let found = fetch_fingerprint(&address, Duration::from_secs(30))
            .await
            .unwrap();
        assert_eq!(found, fingerprint(ODD));
        router.await.unwrap();
    })
    .await;
}

/// A router that has no certificate offers anonymous ciphers only and answers with alert 40.
#[tokio::test]
async fn a_router_without_a_certificate_gets_an_error_that_says_so() {
    watched(async {
        let (address, router) = raw_router(|mut peer| async move {
            let mut hello = [0; 16];
            peer.stream.read_exact(&mut hello).await.unwrap();
            peer.raw(&[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]).await;
            while peer
                .stream
                .read(&mut hello)
                .await
                .is_ok_and(|count| count > 0)
            {}
        })
        .await;
        let error = fetch_fingerprint(&address, Duration::from_secs(30))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NoCertificate { .. }), "{error}");
        assert!(error.to_string().starts_with("api-ssl has no certificate"));
        router.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_silent_or_closed_handshake_is_told_apart_from_a_bad_one() {
    watched(async {
        let (address, router) = raw_router(|mut peer| async move {
            let mut byte = [0];
            while peer
                .stream
                .read(&mut byte)
                .await
                .is_ok_and(|count| count > 0)
            {}
        })
        .await;
        let tls = Tls::pinned([fingerprint(ODD)]).unwrap();
        let silent = options(&address)
            .tls(tls.clone())
            .tls_timeout(Duration::from_millis(20));
        let error = Client::connect(&silent).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::TooSlow {
                    phase: Phase::Tls,
                    ..
                }
            ),
            "{error}"
        );
        router.await.unwrap();

        let (address, router) = raw_router(|mut peer| async move {
            let mut hello = [0; 4096];
            assert!(peer.stream.read(&mut hello).await.unwrap() > 0);
        })
        .await;
        let error = Client::connect(&options(&address).tls(tls))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::SetUp {
                    phase: Phase::Tls,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.is_temporary());
        router.await.unwrap();
    })
    .await;
}
