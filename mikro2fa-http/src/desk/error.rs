//! What stands against something at the desk, in words for people.

use mikro2fa_core::{engine::EngineError, router_backend::RouterError, store::StoreError};
use mikro2fa_router::logins::LoginError;

use crate::error::{Kind, Problem};

/// Why something could not be done at the desk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// It is not there.
    #[error("there is no {what} `{name}`")]
    NoSuch { what: &'static str, name: String },
    /// A value makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The present state does not allow it.
    #[error("{0}")]
    Refused(String),
    /// The router could not be asked, or not to the end.
    #[error("{0}")]
    Unreached(String),
    /// On the router.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// By the database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// By the engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<RouterError> for DeskError {
    fn from(error: RouterError) -> Self {
        Self::Login(LoginError::Router(error))
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Store(error) => error.into(),
            DeskError::Engine(error) => error.into(),
            DeskError::NoSuch { .. } => Self::with(Kind::NotFound, error.to_string()),
            DeskError::Unreached(why) => Self::with(Kind::Unavailable, why),
            DeskError::Invalid(why) => Self::with(Kind::Invalid, why),
            DeskError::Login(LoginError::Router(error)) => Self::with(
                Kind::Unavailable,
                format!("the router could not be asked: {error}"),
            ),
            DeskError::Refused(_) | DeskError::Login(_) => {
                Self::with(Kind::Conflict, error.to_string())
            }
        }
    }
}
