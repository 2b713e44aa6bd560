//! What can go wrong, and whether a command may have been done all the same.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::reply::{Reply, text};

/// The bytes broke the protocol, or a limit set against hostile peers. The connection is of no further use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A word began with a byte that the protocol reserves (`F1` to `FF`).
    #[error(
        "reserved control byte {0:#04x} where a length was due; the peer does not speak the RouterOS API"
    )]
    ControlByte(u8),
    /// A word was announced that is longer than allowed.
    #[error("a word of {length} bytes was announced, the limit is {limit}")]
    WordTooLong {
        /// Announced length in bytes.
        length: u32,
        /// The limit in bytes.
        limit: u32,
    },
    /// A sentence grew longer than allowed.
    #[error("a sentence is longer than the limit of {limit} bytes")]
    SentenceTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// A sentence has more words than allowed.
    #[error("a sentence has more words than the limit of {limit}")]
    TooManyWords {
        /// The limit.
        limit: usize,
    },
}

/// One `!trap`: what the router had to say against a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    category: Option<u8>,
    message: Box<[u8]>,
}

impl Trap {
    /// How many bytes of a message are kept: a hostile router gets no memory.
    const LONGEST: usize = 4096;

    /// The trap in a reply, if it is one.
    pub fn of(reply: &Reply<'_>) -> Option<Self> {
        match reply {
            Reply::Trap {
                category, message, ..
            } => Some(Self {
                category: *category,
                message: message.get(..Self::LONGEST).unwrap_or(message).into(),
            }),
            _ => None,
        }
    }

    /// The category from 0 to 7, which RouterOS often leaves out: rather go by the text.
    pub fn category(&self) -> Option<u8> {
        self.category
    }

    /// The router's words; what is not UTF-8 is replaced.
    pub fn message(&self) -> Cow<'_, str> {
        text(&self.message)
    }

    /// The router's words as it sent them, the first 4 KiB of them.
    pub fn message_bytes(&self) -> &[u8] {
        &self.message
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message();
        f.write_str(if message.is_empty() {
            "no reason given"
        } else {
            &message
        })
    }
}

/// The traps of one command: at least one, as there may be several before its `!done`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    first: Trap,
    rest: Vec<Trap>,
}

impl Refusal {
    /// How many traps of one command are kept: no router needs more, and a hostile one gets no memory.
    const MOST: usize = 16;

    pub(crate) fn new(first: Trap) -> Self {
        Self {
            first,
            rest: Vec::new(),
        }
    }

    /// Adds a trap to those that came before it, if any.
    pub(crate) fn add(refusal: &mut Option<Self>, trap: Trap) {
        match refusal {
            None => *refusal = Some(Self::new(trap)),
            Some(refusal) if refusal.rest.len() + 1 < Self::MOST => refusal.rest.push(trap),
            Some(_) => {}
        }
    }

    /// The first trap, which nearly always is the only one.
    pub fn trap(&self) -> &Trap {
        &self.first
    }

    /// All traps in their order, the first 16 of them.
    pub fn traps(&self) -> impl Iterator<Item = &Trap> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Whether any trap's text holds this, whatever the case: how refusals are told apart, since categories are
    /// often absent and texts differ in their endings.
    pub fn mentions(&self, needle: &str) -> bool {
        let needle = needle.to_lowercase();
        self.traps()
            .any(|trap| trap.message().to_lowercase().contains(&needle))
    }

    /// Whether the command was stopped by a cancel (category 2).
    pub fn is_interrupted(&self) -> bool {
        self.traps().any(|trap| trap.category == Some(2))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        self.rest.iter().try_for_each(|trap| write!(f, "; {trap}"))
    }
}

/// Which part of connecting had a deadline and missed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name and opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The login.
    Login,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Tls => "the TLS handshake",
            Self::Login => "the login",
        })
    }
}

/// Why a connection is closed. All who waited on it are told the same.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// Reading or writing failed.
    #[error("reading or writing failed: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The router closed it.
    #[error("the router closed it")]
    ByRouter,
    /// The router closed it in the middle of a sentence.
    #[error("the router closed it in the middle of a sentence")]
    CutOff,
    /// The router announced the end with `!fatal`.
    #[error("the router ended it: {0}")]
    Fatal(String),
    /// The router sent what is no API, or more than was allowed.
    #[error("the router's bytes make no sense: {0}")]
    Protocol(#[source] DecodeError),
    /// A command was not answered in time; what comes afterwards could not be trusted to be in step.
    #[error("a command was not answered in time")]
    TimedOut,
    /// It was closed on this side.
    #[error("it was closed on this side")]
    Local,
}

/// What can go wrong between a caller and a router.
///
/// The one question about a command is whether it may have been done: [`Error::is_outcome_unknown`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No TCP connection.
    #[error(
        "cannot connect to {address}; check the address, the port and the router's /ip service list"
    )]
    Connect {
        /// Where to.
        address: String,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// Connecting took too long. A router that excludes our address in `/ip service` may just not answer.
    #[error(
        "{phase} at {address} took longer than {after:?}; check that /ip service allows this host's address"
    )]
    TooSlow {
        /// What took too long.
        phase: Phase,
        /// Where.
        address: String,
        /// The deadline.
        after: Duration,
    },
    /// The connection ended while it was being set up.
    #[error(
        "the connection to {address} ended during {phase}: {reason}; the router may have no session left \
         (max-sessions in /ip service) or not allow this host's address"
    )]
    SetUp {
        /// During what.
        phase: Phase,
        /// Where.
        address: String,
        /// Why.
        reason: CloseReason,
    },
    /// The TLS handshake failed.
    #[cfg(feature = "tls")]
    #[error(
        "the TLS handshake with {address} failed; check that this is the api-ssl port and what its certificate says"
    )]
    Tls {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The router offers no cipher with a certificate, which is how RouterOS comes from the factory.
    #[cfg(feature = "tls")]
    #[error(
        "api-ssl has no certificate on {address}, so it offers anonymous ciphers only; make a certificate there and \
         set it with /ip service set api-ssl certificate=NAME"
    )]
    NoCertificate {
        /// Where.
        address: String,
    },
    /// The certificate is not among those pinned.
    #[cfg(feature = "tls")]
    #[error(
        "the certificate of {address} has fingerprint {presented}, which is not pinned; if the router got a new \
         certificate, compare the fingerprint there and pin it"
    )]
    NotPinned {
        /// Where.
        address: String,
        /// The fingerprint of the certificate that was shown.
        presented: crate::tls::Fingerprint,
    },
    /// The router refused name or password, or something that it reports in the same way.
    #[error(
        "the router refused the login: {message}; check name, password, and that the user's group has the api policy"
    )]
    LoginRefused {
        /// The router's words.
        message: String,
    },
    /// The router wants the login used before RouterOS 6.43, which is not allowed here.
    #[error(
        "the router wants the challenge login of RouterOS before 6.43; update it, or allow the challenge login if \
         nobody can attack the link"
    )]
    ChallengeRefused,
    /// The router refused the command: it was not done.
    #[error("the router refused: {0}")]
    Refused(Refusal),
    /// The command is longer than the router could be asked to read. It was not sent.
    #[error("a command of {length} bytes was not sent, the limit is {limit}")]
    CommandTooLong {
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// No answer in time. The command may or may not have been done, and the connection is closed.
    #[error(
        "no answer within {after:?}; whether the command was done is unknown, look before sending it again"
    )]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// Rows were not taken fast enough while other commands waited behind them, so the rest was given up.
    #[error(
        "rows were not read fast enough and held up other commands; read them faster or make the buffer larger"
    )]
    Lagged,
    /// The answer is larger than allowed; the rest was given up.
    #[error(
        "the answer is larger than {limit} bytes; ask for fewer properties, or take the rows as a stream"
    )]
    AnswerTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The connection is closed.
    #[error("the connection is closed: {reason}{}", if *.outcome_unknown { "; whether the command was done is unknown" } else { "" })]
    Closed {
        /// Why.
        reason: CloseReason,
        /// Whether the command had been sent, so that it may have been done.
        outcome_unknown: bool,
    },
}

impl Error {
    /// Whether the command may have been done all the same: look before sending it again.
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Lagged | Self::AnswerTooLarge { .. } => true,
            Self::Closed {
                outcome_unknown, ..
            } => *outcome_unknown,
            _ => false,
        }
    }

    /// What the router said against the command, if it refused it.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether a new connection is needed before anything else can be sent.
    pub fn needs_reconnect(&self) -> bool {
        !matches!(
            self,
            Self::Refused(_)
                | Self::CommandTooLong { .. }
                | Self::Lagged
                | Self::AnswerTooLarge { .. }
        )
    }

    /// Whether the same may succeed later with nobody changing anything: the router was away, slow or restarting.
    /// Says nothing about whether a command may be sent twice; see [`is_outcome_unknown`](Self::is_outcome_unknown).
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::TooSlow { .. }
            | Self::SetUp { .. }
            | Self::TimedOut { .. }
            | Self::Lagged => true,
            Self::Closed { reason, .. } => !matches!(reason, CloseReason::Protocol(_)),
            _ => false,
        }
    }
}
