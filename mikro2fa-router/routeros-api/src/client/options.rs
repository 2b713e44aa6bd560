//! How to reach a router, and what to put up with from it.

use std::time::Duration;

use crate::decoder::Limits;
use crate::login::{ChallengeLogin, Credentials};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Where a router is, who logs in, and every deadline and size. The defaults suit small routers on slow links.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) address: String,
    pub(crate) credentials: Credentials,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    pub(crate) connect_timeout: Duration,
    #[cfg(feature = "tls")]
    pub(crate) tls_timeout: Duration,
    pub(crate) login_timeout: Duration,
    pub(crate) settings: Settings,
}

/// What a connection goes by once it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) command_timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) answer_limit: usize,
    pub(crate) stream_buffer: usize,
    pub(crate) patience: Duration,
}

impl Options {
    /// A router's API at `address` (`host:port`, as its ports can be changed; `api` is 8728, `api-ssl` 8729),
    /// without TLS.
    pub fn new(
        address: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            address: address.into(),
            credentials: Credentials::new(user, password),
            #[cfg(feature = "tls")]
            tls: None,
            connect_timeout: Duration::from_secs(10),
            #[cfg(feature = "tls")]
            tls_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(15),
            settings: Settings::default(),
        }
    }

    /// Speaks TLS, as `api-ssl` expects it.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Whether the login of RouterOS before 6.43 may be used. Refused by default.
    #[must_use]
    pub fn challenge_login(mut self, challenge: ChallengeLogin) -> Self {
        self.credentials = self.credentials.challenge_login(challenge);
        self
    }

    /// Longest time for looking up the name and connecting. Default 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time for the TLS handshake. Default 10 s: small boards need seconds for one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_timeout(mut self, timeout: Duration) -> Self {
        self.tls_timeout = timeout;
        self
    }

    /// Longest time for the login. Default 15 s: the router may have to ask a RADIUS server.
    #[must_use]
    pub fn login_timeout(mut self, timeout: Duration) -> Self {
        self.login_timeout = timeout;
        self
    }

    /// Longest time for a command where a call names none. Default 30 s, as busy small boards need that.
    #[must_use]
    pub fn command_timeout(mut self, timeout: Duration) -> Self {
        self.settings.command_timeout = timeout;
        self
    }

    /// What the decoder accepts.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Most bytes of rows that a [`call`](crate::Client::call) collects. Default 64 MiB, which are some 300,000 rows.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.settings.answer_limit = bytes;
        self
    }

    /// How many bytes of rows a stream may have waiting. Default 1 MiB. What one read brings comes on top.
    #[must_use]
    pub fn stream_buffer(mut self, bytes: usize) -> Self {
        self.settings.stream_buffer = bytes;
        self
    }

    /// How long a stream whose buffer is full may hold up other commands before it is given up. Default 2 s.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            command_timeout: Duration::from_secs(30),
            limits: Limits::default(),
            answer_limit: 64 << 20,
            stream_buffer: 1 << 20,
            patience: Duration::from_secs(2),
        }
    }
}
