//! What can go wrong on the way to a router, and how each case looks to the engine.

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};
use routeros_api::{CloseReason, Error as ApiError};

#[cfg(feature = "ssh")]
use crate::ssh::SshError;

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
    /// What was found over SSH.
    #[cfg(feature = "ssh")]
    #[error(transparent)]
    Ssh(#[from] SshError),
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
            #[cfg(feature = "ssh")]
            Error::Ssh(error) => error.into(),
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

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc, time::Duration};

    use mikro2fa_core::retry::Retry;
    use routeros_api::Phase;

    use super::*;

    fn seen(source: ApiError) -> RouterError {
        let user = "mikro2fa".into();
        Error::Api { user, source }.into()
    }

    fn address() -> String {
        "10.0.0.1:8729".to_owned()
    }

    fn closed(reason: CloseReason) -> ApiError {
        ApiError::Closed {
            reason,
            outcome_unknown: false,
        }
    }

    #[test]
    fn each_case_says_what_to_look_at() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let cases = [
            (
                ApiError::Connect {
                    address: address(),
                    source: Arc::new(refused),
                },
                "router cannot be reached: cannot connect to 10.0.0.1:8729",
                "connection refused",
            ),
            (
                ApiError::TooSlow {
                    phase: Phase::Login,
                    address: address(),
                    after: Duration::from_secs(15),
                },
                "router cannot be reached: the login at 10.0.0.1:8729",
                "/ip service",
            ),
            (
                ApiError::NoCertificate { address: address() },
                "router cannot be reached: api-ssl has no certificate",
                "/ip service set api-ssl certificate=NAME",
            ),
            (
                ApiError::NotPinned {
                    address: address(),
                    presented: [0xAB; 32].into(),
                },
                "the router's certificate or host key is not the pinned one: ",
                "abababab",
            ),
            (
                ApiError::LoginRefused {
                    message: "invalid user name or password (6)".into(),
                },
                "router refused the login of user mikro2fa",
                "invalid user name or password (6)",
            ),
            (
                ApiError::ChallengeRefused,
                "RouterOS before 6.43 is not supported",
                "6.49",
            ),
            (
                closed(CloseReason::Fatal("session terminated".into())),
                "router cannot be reached: ",
                "session terminated",
            ),
        ];
        for (error, begins, says) in cases {
            let text = seen(error).to_string();
            assert!(text.starts_with(begins), "{text}");
            assert!(text.to_lowercase().contains(&says.to_lowercase()), "{text}");
        }
    }

    #[test]
    fn what_mends_itself_is_tried_again_and_what_does_not_is_not_hurried() {
        let soon = Retry::After(Duration::from_secs(1));
        let later = Retry::After(Duration::from_secs(30));
        assert_eq!(seen(closed(CloseReason::ByRouter)).retry(), soon);
        assert_eq!(seen(closed(CloseReason::TimedOut)), RouterError::TimedOut);
        let message = "invalid".into();
        assert_eq!(seen(ApiError::LoginRefused { message }).retry(), later);
        assert_eq!(seen(ApiError::ChallengeRefused).retry(), Retry::Never);
        let shown = Some("ab".repeat(32).as_str().into());
        let pin: RouterError = Error::NothingPinned { presented: shown }.into();
        assert!(pin.to_string().contains("; the router shows abab"), "{pin}");
    }
}
