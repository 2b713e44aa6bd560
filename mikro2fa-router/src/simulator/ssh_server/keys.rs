//! Host keys, and which algorithms a version offers.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use russh::{
    MethodKind, MethodSet, Preferred, SshId, cipher, compression, kex,
    keys::{Algorithm, HashAlg, PrivateKey, key::safe_rng},
    mac,
    server::Config,
};

use super::super::{state::State, version::Version};

/// A router's host key.
#[derive(Clone)]
pub(crate) struct HostKey(PrivateKey);

impl HostKey {
    /// A fresh Ed25519 key; `None` if the system has no randomness.
    pub(crate) fn fresh() -> Option<Self> {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519)
            .ok()
            .map(Self)
    }

    /// As `ssh-keyscan` prints it: `ssh-ed25519 AAAA…`.
    pub(crate) fn public(&self) -> String {
        self.0.public_key().to_openssh().unwrap_or_default()
    }

    /// As OpenSSH shows it: `SHA256:…`.
    pub(crate) fn fingerprint(&self) -> String {
        self.0.public_key().fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The private half stays out.
impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint())
    }
}

/// What a connection that begins now is offered; `None` without a host key.
pub(super) fn config(state: &State) -> Option<Arc<Config>> {
    let key = state.host_key.as_ref()?;
    let mut methods = vec![MethodKind::Password];
    let interactive = state.quirks.ssh_keyboard_interactive;
    if interactive.unwrap_or(state.version.major >= 7) {
        methods.push(MethodKind::KeyboardInteractive);
    }
    Some(Arc::new(Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-ROSSSH")),
        methods: MethodSet::from(methods.as_slice()),
        // A simulator has nothing to guard.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key.0.clone()],
        preferred: preferred(state.version),
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }))
}

/// The algorithms, best first.
fn preferred(version: Version) -> Preferred {
    let modern = version.major >= 7;
    Preferred {
        kex: if modern {
            Cow::Borrowed(&[
                kex::CURVE25519,
                kex::CURVE25519_PRE_RFC_8731,
                kex::DH_GEX_SHA256,
                kex::DH_G14_SHA256,
                kex::EXTENSION_SUPPORT_AS_SERVER,
            ])
        } else {
            Cow::Borrowed(&[
                kex::DH_GEX_SHA256,
                kex::DH_GEX_SHA1,
                kex::DH_G14_SHA1,
                kex::DH_G1_SHA1,
            ])
        },
        key: Cow::Borrowed(&[
            Algorithm::Ed25519,
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha512),
            },
            Algorithm::Rsa {
                hash: Some(HashAlg::Sha256),
            },
            Algorithm::Rsa { hash: None },
        ]),
        cipher: Cow::Borrowed(&[
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ]),
        mac: Cow::Borrowed(&[mac::HMAC_SHA256, mac::HMAC_SHA512, mac::HMAC_SHA1]),
        compression: Cow::Borrowed(&[compression::NONE]),
        ..Preferred::DEFAULT
    }
}
