//! How a router's SSH service is reached, and how to log in there.

use std::fmt;

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
    tunnel::Text,
};
use routeros_api::tls::Fingerprint;

use crate::{
    config::{self, Deadlines},
    error::Error,
};

/// How a router's SSH service is reached.
#[derive(Clone, Debug)]
pub struct SshConfig {
    /// Host name or address, without brackets.
    pub host: Text,
    /// TCP port; RouterOS's own is 22.
    pub port: u16,
    /// The login. RouterOS lets in whoever has policy `ssh` in their group.
    pub user: Text,
    /// What it is proved by.
    pub login: Login,
    /// SHA-256 fingerprints of host keys that are trusted. Without any, connecting fails and names the one that the
    /// router shows; nothing secret was sent by then.
    pub pins: Vec<Fingerprint>,
    /// Which algorithms are agreed to.
    pub algorithms: Algorithms,
    /// Deadlines. `answer` counts for each line.
    pub deadlines: Deadlines,
    /// Most bytes of one line's output; more ends the connection. Default 32 MiB, some 150,000 tunnels.
    pub longest_answer: usize,
}

const LONGEST_ANSWER: usize = 32 << 20;

/// Which algorithms are agreed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Algorithms {
    /// Elliptic curves, SHA-2, AES in counter or Galois mode.
    #[default]
    Modern,
    /// Also those over SHA-1 that RouterOS 6 has nothing better for: `ssh-rsa` host keys, `hmac-sha1`,
    /// `diffie-hellman-group14-sha1`.
    Legacy,
}

/// What a login is proved by.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// A password.
    Password(Secret),
    /// A private key in OpenSSH's or PEM form, Ed25519 or RSA; encrypted where there is a passphrase. Once a user has a
    /// key, RouterOS refuses that user's password over SSH (MikroTik manual, SSH).
    Key {
        /// The key, with its `BEGIN` and `END` lines.
        key: Secret,
        /// What it is encrypted with.
        passphrase: Option<Secret>,
    },
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

impl Login {
    /// Reads what the desk keeps in a connection's `password`: a password, or a private key with its passphrase on the
    /// line behind it. A password has no line ends, so one can't be taken for the other.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        let text = secret.expose().trim_start();
        let key = text
            .starts_with(BEGIN)
            .then(|| {
                let end = text.find(END)?;
                let line = text.get(end..)?;
                Some(end + line.find('\n').unwrap_or(line.len()))
            })
            .flatten();
        let Some(end) = key else {
            return Self::Password(secret.clone());
        };
        let (key, passphrase) = text.split_at(end);
        let passphrase = passphrase.trim_matches(['\r', '\n']);
        Self::Key {
            key: Secret::new(format!("{}\n", key.trim_end())),
            passphrase: (!passphrase.is_empty()).then(|| Secret::new(passphrase)),
        }
    }

    /// As the desk keeps it: what [`Login::of`] reads again.
    #[must_use]
    pub fn secret(&self) -> Secret {
        match self {
            Self::Password(password) => password.clone(),
            Self::Key { key, passphrase } => {
                let passphrase = passphrase.as_ref().map_or("", |it| it.expose());
                Secret::new(format!("{}\n{passphrase}", key.expose().trim_end()))
            }
        }
    }

    /// Is it a key?
    #[must_use]
    pub const fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(…)",
            Self::Key { .. } => "Key(…)",
        })
    }
}

impl SshConfig {
    /// Reads how a router is reached from how the desk keeps it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPin`]; [`Error::Unsupported`] if it is reached another way.
    pub fn of(connection: &RouterConnection) -> Result<Self, Error> {
        let algorithms = match connection.transport {
            TransportKind::Ssh => Algorithms::Modern,
            TransportKind::SshLegacy => Algorithms::Legacy,
            TransportKind::Api | TransportKind::ApiTls => {
                return Err(Error::Unsupported("this router is not reached over SSH"));
            }
        };
        Ok(Self {
            host: connection.host.clone(),
            port: connection.port,
            user: connection.user.clone(),
            login: Login::of(&connection.password),
            pins: config::fingerprints(&connection.pins)?,
            algorithms,
            deadlines: Deadlines::default(),
            longest_answer: LONGEST_ANSWER,
        })
    }

    /// `host:port`, with brackets where the host is an IPv6 address.
    #[must_use]
    pub fn address(&self) -> String {
        config::address(&self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n";

    #[test]
    fn a_password_is_a_password_whatever_it_looks_like() {
        for text in [
            "",
            "hunter2",
            " -----END",
            "-----BEGIN ",
            "-----BEGIN X-----",
        ] {
            let secret = Secret::new(text);
            assert_eq!(Login::of(&secret), Login::Password(secret), "{text}");
        }
    }

    #[test]
    fn a_key_comes_back_with_its_passphrase() {
        for passphrase in [
            None,
            Some(Secret::new(" with blanks ")),
            Some(Secret::new("пароль")),
        ] {
            let login = Login::Key {
                key: Secret::new(KEY),
                passphrase,
            };
            assert_eq!(Login::of(&login.secret()), login);
            assert!(login.is_key());
        }
        let from_windows = Secret::new(KEY.replace('\n', "\r\n") + "pass\r\n");
        let Login::Key { passphrase, .. } = Login::of(&from_windows) else {
            panic!("a password");
        };
        assert_eq!(passphrase, Some(Secret::new("pass")));
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let login = Login::Key {
            key: Secret::new(KEY),
            passphrase: Some(Secret::new("hunter2")),
        };
        assert_eq!(format!("{login:?}"), "Key(…)");
    }
}
