//! Host keys, and which algorithms a version offers.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use russh::{
    MethodKind, MethodSet, Preferred, SshId, cipher, compression, kex,
    keys::{Algorithm, HashAlg, PrivateKey, key::safe_rng},
    mac,
    server::Config,
};

use super::super::{menu::MenuId, state::State};

/// RSA keys to take in turn: making one takes seconds.
const RSA: [&str; 2] = [include_str!("host-1.key"), include_str!("host-2.key")];

/// Which RSA key is next, so that two routers of one test show different ones.
static NEXT_RSA: AtomicUsize = AtomicUsize::new(0);

/// A router's host keys, one of each kind.
#[derive(Clone)]
pub(crate) struct HostKeys {
    rsa: PrivateKey,
    ed25519: PrivateKey,
}

impl HostKeys {
    /// A fresh Ed25519 key and an RSA key that differs from the last one; `None` if the system has no randomness.
    pub(crate) fn fresh() -> Option<Self> {
        let ed25519 = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).ok()?;
        let turn = NEXT_RSA.fetch_add(1, Ordering::Relaxed);
        let text = RSA.get(turn % RSA.len())?;
        let rsa = PrivateKey::from_openssh(text).ok()?;
        Some(Self { rsa, ed25519 })
    }
}

/// The private halves stay out.
impl fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostKeys")
    }
}

impl State {
    /// What SSH shows now; `None` where there is no SSH server.
    fn host_key(&self) -> Option<&PrivateKey> {
        let keys = self.host_keys.as_ref()?;
        let chosen = self.ssh_setting("host-key-type");
        Some(if self.version.at_least(7, 9) && chosen == "ed25519" {
            &keys.ed25519
        } else {
            &keys.rsa
        })
    }

    fn ssh_setting(&self, name: &str) -> &str {
        self.only(MenuId::Ssh).map_or("", |row| row.text(name))
    }

    /// As `ssh-keyscan` prints it: `ssh-ed25519 AAAA…`.
    pub(crate) fn public_host_key(&self) -> Option<String> {
        self.host_key()?.public_key().to_openssh().ok()
    }

    /// As OpenSSH shows it: `SHA256:…`.
    pub(crate) fn host_fingerprint(&self) -> Option<String> {
        Some(self.host_key()?.fingerprint(HashAlg::Sha256).to_string())
    }

    /// Host keys are made anew, as by a reset.
    pub(crate) fn regenerate_host_keys(&mut self) {
        if self.host_keys.is_some() {
            // Without randomness the old ones stay.
            self.host_keys = HostKeys::fresh().or_else(|| self.host_keys.take());
            self.changes += 1;
        }
    }

    /// Whether SSH is as version 6 has it.
    fn ssh_is_old(&self) -> bool {
        let modern = self.quirks.ssh_modern;
        !modern.unwrap_or(self.version.major >= 7)
    }
}

/// What a connection that begins now is offered; `None` without a host key.
pub(super) fn config(state: &State) -> Option<Arc<Config>> {
    let key = state.host_key()?;
    let mut methods = vec![MethodKind::PublicKey];
    if state.ssh_setting("password-authentication") != "no" || !state.version.at_least(7, 21) {
        methods.push(MethodKind::Password);
        let interactive = state.quirks.ssh_keyboard_interactive;
        if interactive.unwrap_or(state.version.major >= 7) {
            methods.push(MethodKind::KeyboardInteractive);
        }
    }
    Some(Arc::new(Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-ROSSSH")),
        methods: MethodSet::from(methods.as_slice()),
        // A simulator has nothing to guard.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key.clone()],
        preferred: preferred(state),
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }))
}

/// The algorithms, best first (reference: MikroTik manual, *SSH*; libssh2's reports of what routers offer). Of those of version 6 some are
/// left out, as the library has none of them: `hmac-md5`, `blowfish-cbc`, `3des-cbc`, `ssh-dss`.
fn preferred(state: &State) -> Preferred {
    let (old, strong) = (
        state.ssh_is_old(),
        state.ssh_setting("strong-crypto") == "true",
    );
    Preferred {
        kex: Cow::Borrowed(match (old, strong) {
            (true, false) => &[
                kex::DH_GEX_SHA256,
                kex::DH_GEX_SHA1,
                kex::DH_G14_SHA1,
                kex::DH_G1_SHA1,
            ],
            (true, true) => &[kex::DH_GEX_SHA256],
            (false, false) => &[
                kex::CURVE25519,
                kex::CURVE25519_PRE_RFC_8731,
                kex::ECDH_SHA2_NISTP256,
                kex::DH_GEX_SHA256,
                kex::DH_G14_SHA256,
                kex::EXTENSION_SUPPORT_AS_SERVER,
            ],
            (false, true) => &[
                kex::CURVE25519,
                kex::CURVE25519_PRE_RFC_8731,
                kex::DH_GEX_SHA256,
                kex::EXTENSION_SUPPORT_AS_SERVER,
            ],
        }),
        key: Cow::Borrowed(if old {
            &[Algorithm::Rsa { hash: None }]
        } else {
            &[
                Algorithm::Ed25519,
                Algorithm::Rsa {
                    hash: Some(HashAlg::Sha512),
                },
                Algorithm::Rsa {
                    hash: Some(HashAlg::Sha256),
                },
            ]
        }),
        cipher: ciphers(state, old, strong).into(),
        mac: Cow::Borrowed(match (old, strong) {
            (_, true) => &[mac::HMAC_SHA256, mac::HMAC_SHA512],
            (true, false) => &[mac::HMAC_SHA1],
            (false, false) => &[mac::HMAC_SHA256, mac::HMAC_SHA512, mac::HMAC_SHA1],
        }),
        compression: Cow::Borrowed(&[compression::NONE]),
        ..Preferred::DEFAULT
    }
}

fn ciphers(state: &State, old: bool, strong: bool) -> Vec<cipher::Name> {
    const COUNTER: [cipher::Name; 3] = [
        cipher::AES_256_CTR,
        cipher::AES_192_CTR,
        cipher::AES_128_CTR,
    ];
    const CHAINED: [cipher::Name; 3] = [
        cipher::AES_256_CBC,
        cipher::AES_192_CBC,
        cipher::AES_128_CBC,
    ];
    const GALOIS: [cipher::Name; 2] = [cipher::AES_256_GCM, cipher::AES_128_GCM];
    // Settable from 7.17 on.
    let asked = state.ssh_setting("ciphers");
    if !old && !matches!(asked, "" | "auto") && state.version.at_least(7, 17) {
        let of = |word: &str| match word {
            "aes-gcm" => GALOIS.to_vec(),
            "aes-cbc" => CHAINED.to_vec(),
            "aes-ctr" => COUNTER.to_vec(),
            _ => Vec::new(),
        };
        return asked.split(',').flat_map(of).collect();
    }
    match (old, strong) {
        (true, false) => [&COUNTER[..], &CHAINED].concat(),
        (true, true) => COUNTER.to_vec(),
        (false, _) => [&GALOIS[..], &COUNTER].concat(),
    }
}
