//! What can go wrong on the way to a router, and how each case looks to the engine.

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};
use routeros_api::{CloseReason, Error as ApiError};

/// What can go wrong on the way to a router.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The API client's finding.
    #[error("{source}")]
    Api {
        /// Who tried to log in.
        user: Text,
        /// What was found.
        #[source]
        source: ApiError,
    },
    /// A pin of the configuration is none.
    #[error("pin `{pin}` is no SHA-256 fingerprint: write its 64 hexadecimal digits")]
    InvalidPin {
        /// As it was given.
        pin: Text,
    },
    /// TLS without anything to trust.
    #[error(
        "no certificate is pinned{}: compare with `/certificate print detail` on the router, then pin its fingerprint",
        .presented.as_ref().map(|shown| format!("; the router shows {shown}")).unwrap_or_default()
    )]
    NothingPinned {
        /// The fingerprint of what the router shows, if it was asked.
        presented: Option<Text>,
    },
    /// What this transport cannot do.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The line was closed on our side.
    #[error("the connection was closed on this side")]
    Closed,
}

impl From<Error> for RouterError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api { user, source } => from_api(&user, &source),
            Error::InvalidPin { .. } | Error::NothingPinned { .. } => {
                Self::WrongIdentity(error.to_string().into())
            }
            Error::Unsupported(what) => Self::Unsupported(what),
            Error::Closed => Self::Unreachable(error.to_string().into()),
        }
    }
}

fn from_api(user: &str, error: &ApiError) -> RouterError {
    let words: Text = error.to_string().into();
    match error {
        ApiError::Connect { source, .. } => {
            RouterError::Unreachable(format!("{words}: {source}").into())
        }
        ApiError::NotPinned { .. } => RouterError::WrongIdentity(words),
        ApiError::LoginRefused { message } => {
            RouterError::LoginRefused(format!("{user} (it says: {message})").into())
        }
        ApiError::ChallengeRefused => RouterError::UnsupportedVersion("before 6.43".into()),
        ApiError::Refused(refusal) => RouterError::Refused(refusal.to_string().into()),
        ApiError::TimedOut { .. } => RouterError::TimedOut,
        ApiError::Closed { reason, .. } => match reason {
            CloseReason::TimedOut => RouterError::TimedOut,
            CloseReason::Protocol(_) => RouterError::Protocol(words),
            _ => RouterError::Unreachable(words),
        },
        ApiError::SetUp {
            reason: CloseReason::Protocol(_),
            ..
        }
        | ApiError::Lagged
        | ApiError::AnswerTooLarge { .. }
        | ApiError::CommandTooLong { .. } => RouterError::Protocol(words),
        _ => RouterError::Unreachable(words),
    }
}
