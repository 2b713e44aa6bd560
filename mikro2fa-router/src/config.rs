//! How a router is reached, and how much is put up with from it.

use std::time::Duration;

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
    tunnel::Text,
};
use routeros_api::{Limits, Options, tls::Fingerprint};

use crate::{budget, error::Error};

/// How a router's API is reached.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Host name or address, without brackets.
    pub host: Text,
    /// TCP port; RouterOS's own are 8728, and 8729 for TLS.
    pub port: u16,
    /// In the clear, or with TLS and these pins.
    pub security: Security,
    /// The login.
    pub user: Text,
    /// Its password.
    pub password: Secret,
    /// Deadlines.
    pub deadlines: Deadlines,
}

/// What protects the way to a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Nothing: name and password go in the clear.
    Plain,
    /// TLS, to a certificate with one of these SHA-256 fingerprints.
    Pinned(Vec<Fingerprint>),
}

/// How long is waited for what, in real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Looking up the name and connecting. Default 10 s.
    pub connect: Duration,
    /// The TLS handshake. Default 10 s: small boards need seconds for one.
    pub handshake: Duration,
    /// The login. Default 15 s: the router may have to ask a RADIUS server.
    pub login: Duration,
    /// Each answer, from its question on. Default 30 s: routers were measured to pause for that long, and a shorter one
    /// makes an unknown outcome of a slow one.
    pub answer: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            login: Duration::from_secs(15),
            answer: Duration::from_secs(30),
        }
    }
}

/// What a backend goes by besides its transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much the router is asked in a while.
    pub budget: budget::Limits,
}

/// No property that is asked for comes near this; comments and names are capped by RouterOS itself far below.
const LONGEST_WORD: u32 = 64 << 10;

/// A row of what is asked for has a dozen properties; a hostile one gets no more room than this.
const LONGEST_SENTENCE: usize = 256 << 10;

/// Some 150,000 tunnels.
const LONGEST_ANSWER: usize = 32 << 20;

impl ApiConfig {
    /// From what the desk keeps of a router.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPin`], [`Error::NothingPinned`] for TLS without a pin, [`Error::Unsupported`] for SSH.
    pub fn of(connection: &RouterConnection) -> Result<Self, Error> {
        let security = match connection.transport {
            TransportKind::Api => Security::Plain,
            TransportKind::ApiTls => Security::Pinned(pins(&connection.pins)?),
            TransportKind::Ssh | TransportKind::SshLegacy => {
                return Err(Error::Unsupported("this router is reached over SSH"));
            }
        };
        Ok(Self {
            host: connection.host.clone(),
            port: connection.port,
            security,
            user: connection.user.clone(),
            password: connection.password.clone(),
            deadlines: Deadlines::default(),
        })
    }

    /// `host:port`, with brackets where the host is an IPv6 address.
    #[must_use]
    pub fn address(&self) -> String {
        address(&self.host, self.port)
    }

    pub(crate) fn options(&self) -> Result<Options, Error> {
        let Deadlines {
            connect,
            handshake,
            login,
            answer,
        } = self.deadlines;
        let options = Options::new(self.address(), &*self.user, self.password.expose())
            .connect_timeout(connect)
            .tls_timeout(handshake)
            .login_timeout(login)
            .command_timeout(answer)
            .answer_limit(LONGEST_ANSWER)
            .limits(Limits {
                max_word: LONGEST_WORD,
                max_sentence_bytes: LONGEST_SENTENCE,
                ..Limits::default()
            });
        match &self.security {
            Security::Plain => Ok(options),
            Security::Pinned(pins) => {
                let tls = routeros_api::tls::Tls::pinned(pins.iter().copied());
                let tls = tls.map_err(|_empty| Error::NothingPinned { presented: None })?;
                Ok(options.tls(tls))
            }
        }
    }
}

pub(crate) fn address(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

fn pins(pins: &[Text]) -> Result<Vec<Fingerprint>, Error> {
    if pins.is_empty() {
        return Err(Error::NothingPinned { presented: None });
    }
    fingerprints(pins)
}

/// Reads pins.
///
/// # Errors
///
/// [`Error::InvalidPin`].
pub(crate) fn fingerprints(pins: &[Text]) -> Result<Vec<Fingerprint>, Error> {
    let read = |pin: &Text| {
        let invalid = |_| Error::InvalidPin { pin: pin.clone() };
        pin.parse().map_err(invalid)
    };
    pins.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(transport: TransportKind, pins: &[&str]) -> RouterConnection {
        RouterConnection {
            host: "2001:db8::1".into(),
            port: 8729,
            transport,
            user: "m2".into(),
            password: Secret::new("hunter2"),
            pins: pins.iter().map(|&pin| pin.into()).collect(),
        }
    }

    #[test]
    fn a_connection_is_read_as_the_desk_keeps_it() {
        let pin = "0f".repeat(32);
        let config = ApiConfig::of(&connection(TransportKind::ApiTls, &[&pin])).unwrap();
        assert_eq!(config.address(), "[2001:db8::1]:8729");
        assert_eq!(
            config.security,
            Security::Pinned(vec![pin.parse().unwrap()])
        );
        assert!(!format!("{config:?}").contains("hunter2"));
        let plain = ApiConfig::of(&connection(TransportKind::Api, &["nonsense"])).unwrap();
        assert_eq!(plain.security, Security::Plain);
    }

    #[test]
    fn what_cannot_be_trusted_is_said_before_connecting() {
        let error = |transport, pins| ApiConfig::of(&connection(transport, pins)).unwrap_err();
        assert!(matches!(
            error(TransportKind::ApiTls, &[]),
            Error::NothingPinned { .. }
        ));
        let bad = error(TransportKind::ApiTls, &["abc"]);
        assert_eq!(
            bad.to_string(),
            "pin `abc` is no SHA-256 fingerprint: write its 64 hexadecimal digits"
        );
        assert!(matches!(
            error(TransportKind::Ssh, &[]),
            Error::Unsupported(_)
        ));
    }

    #[test]
    fn addresses_bear_brackets_where_they_need_them() {
        assert_eq!(address("192.0.2.1", 8728), "192.0.2.1:8728");
        assert_eq!(address("router.example", 1), "router.example:1");
        assert_eq!(address("[::1]", 1), "[::1]:1");
    }
}
