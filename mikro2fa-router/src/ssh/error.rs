//! What can go wrong over SSH.

use std::{io, sync::Arc, time::Duration};

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};

/// What can go wrong over SSH. Messages say what to look at on the router.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// No connection.
    #[error("cannot connect to {address}")]
    Connect {
        /// `host:port`.
        address: String,
        /// What the system says.
        #[source]
        source: Arc<io::Error>,
    },
    /// A deadline passed while connecting.
    #[error(
        "{phase} at {address} took longer than {after:?}: is SSH enabled there, and open to this machine's address (`/ip service print`)?"
    )]
    TooSlow {
        /// What took so long.
        phase: Phase,
        /// `host:port`.
        address: String,
        /// The deadline.
        after: Duration,
    },
    /// No SSH server, or one that cut the connection.
    #[error(
        "{address} does not speak SSH as it should ({message}): is this the port of `/ip service print` for ssh?"
    )]
    Handshake {
        /// `host:port`.
        address: String,
        /// What was found.
        message: Text,
    },
    /// No algorithm in common.
    #[error(
        "{address} offers none of the algorithms that are agreed to: on RouterOS 7 look at `/ip ssh print` (strong-crypto, \
         host-key-type); RouterOS 6 needs transport `ssh_legacy`"
    )]
    NoCommonAlgorithm {
        /// `host:port`.
        address: String,
    },
    /// This program was built without the algorithms of old routers.
    #[error(
        "this program was built without the SHA-1 algorithms that `ssh_legacy` needs: reach the router by its API over TLS, or build with \
         CFLAGS=\"-DLIBSSH2_RSA_SHA1_ENABLE -DLIBSSH2_KEX_SHA1_ENABLE -DLIBSSH2_HMAC_SHA1_ENABLE\""
    )]
    NoLegacyBuilt,
    /// The router shows a host key that is not pinned.
    #[error("{address} shows a host key that is not pinned: {}", shown(.presented))]
    NotPinned {
        /// `host:port`.
        address: String,
        /// Its fingerprint.
        presented: [u8; 32],
    },
    /// Nothing is pinned.
    #[error(
        "no host key is pinned; {address} shows {}: compare it with the router's own (`/ip ssh export-host-key`, then \
         `ssh-keygen -lf` on that file), then pin it",
        shown(.presented)
    )]
    NothingPinned {
        /// `host:port`.
        address: String,
        /// The fingerprint of what it shows.
        presented: [u8; 32],
    },
    /// The router does not let the user in.
    #[error("{user}'s {what} is refused{}", hint(.offers))]
    LoginRefused {
        /// Who tried.
        user: Text,
        /// Password or key.
        what: &'static str,
        /// What it would take instead.
        offers: Text,
    },
    /// The private key can't be used.
    #[error(
        "the private key can't be used: is its passphrase right, and is it Ed25519 or RSA? ({message})"
    )]
    BadKey {
        /// What was found.
        message: Text,
    },
    /// The router's console does not do what any console does.
    #[error("the console says what no console says: {message}")]
    Console {
        /// What was found.
        message: Text,
    },
    /// A line was not answered in time.
    #[error("a line was not answered within {after:?}")]
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// An answer has no end in sight.
    #[error("an answer is longer than {most} bytes")]
    AnswerTooLarge {
        /// What is put up with.
        most: usize,
    },
    /// The connection broke.
    #[error("the connection broke: {message}")]
    Broken {
        /// What was found.
        message: Text,
    },
    /// This machine has no thread or no random numbers left.
    #[error("this machine refused what a connection takes: {message}")]
    Machine {
        /// What it says.
        message: Text,
    },
}

/// Steps of connecting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Phase {
    /// Looking up the name, and TCP.
    Connect,
    /// Agreeing on keys.
    Handshake,
    /// Logging in.
    Login,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Handshake => "the SSH handshake",
            Self::Login => "the login",
        })
    }
}

impl From<SshError> for RouterError {
    fn from(error: SshError) -> Self {
        let words: Text = error.to_string().into();
        match error {
            SshError::Connect { source, .. } => {
                Self::Unreachable(format!("{words}: {source}").into())
            }
            SshError::NotPinned { .. } | SshError::NothingPinned { .. } => {
                Self::WrongIdentity(words)
            }
            SshError::LoginRefused { .. } | SshError::BadKey { .. } => Self::LoginRefused(words),
            SshError::TimedOut { .. } => Self::TimedOut,
            SshError::Console { .. } | SshError::AnswerTooLarge { .. } => Self::Protocol(words),
            _ => Self::Unreachable(words),
        }
    }
}

/// Both ways in which people meet it: OpenSSH's, and the digits that are pinned.
fn shown(fingerprint: &[u8; 32]) -> String {
    use base64::Engine as _;
    use std::fmt::Write as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(fingerprint);
    let mut text = format!("SHA256:{base64} (");
    for byte in fingerprint {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push(')');
    text
}

fn hint(offers: &str) -> String {
    let offered = |method: &str| offers.split(',').any(|it| it == method);
    if offers.is_empty() {
        String::new()
    } else if offered("password") || offered("keyboard-interactive") {
        format!(" (it would take: {offers}); is the user's group allowed `ssh`?")
    } else {
        format!(
            " (it would take: {offers}): RouterOS takes no password over SSH from a user who has a key; give the key, or see \
             `/ip ssh` for password logins"
        )
    }
}
