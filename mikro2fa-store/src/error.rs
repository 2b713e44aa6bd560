//! What can go wrong, and how each case becomes a [`StoreError`].

use diesel::{
    ConnectionError,
    result::{DatabaseErrorKind, Error as QueryError},
};
use mikro2fa_core::store::StoreError;

/// A setting that cannot be used. Never holds a secret.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It names no database that this program can use.
    #[error("database URL: {0}; write sqlite://path/to/file.db or postgres://user@host/database")]
    Url(&'static str),
    /// It is no key.
    #[error(
        "key: expected 32 random bytes in base64, as `openssl rand -base64 32` makes them, found {0}"
    )]
    Key(&'static str),
}

/// Why a piece of work on a connection failed, before it is known what that means for the caller.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A statement failed: nothing of its transaction was written.
    Query(QueryError),
    /// `COMMIT` itself failed: it may have been done.
    Commit(QueryError),
    /// We found something ourselves.
    Store(StoreError),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        Self::Store(unreachable_database(&error))
    }
}

/// No connection could be made.
pub(crate) fn unreachable_database(error: &ConnectionError) -> StoreError {
    match error {
        ConnectionError::BadConnection(message) if message.contains("file is not a database") => {
            StoreError::Corrupt(message.as_str().into())
        }
        error => StoreError::Unavailable(error.to_string().trim().into()),
    }
}

impl Failure {
    /// Does the data itself stand against it, so that another commit of the group may still succeed?
    pub(crate) const fn is_constraint(&self) -> bool {
        match self {
            Self::Query(error) | Self::Commit(error) => is_constraint(error),
            Self::Store(_) => false,
        }
    }

    /// What it means to a caller of the port.
    pub(crate) fn into_store(self) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Query(error) => meaning(&error),
            Self::Commit(error) => match meaning(&error) {
                StoreError::Unavailable(_) => StoreError::OutcomeUnknown,
                known => known,
            },
        }
    }
}

const fn is_constraint(error: &QueryError) -> bool {
    matches!(
        error,
        QueryError::DatabaseError(
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::RestrictViolation
                | DatabaseErrorKind::ExclusionViolation,
            _
        )
    )
}

/// How the databases word what has no error kind of its own.
const BUSY: [&str; 5] = [
    "database is locked",
    "database table is locked",
    "deadlock detected",
    "due to lock timeout",
    "due to statement timeout",
];
const FULL: [&str; 2] = ["database or disk is full", "No space left on device"];
const CORRUPT: [&str; 3] = [
    "database disk image is malformed",
    "file is not a database",
    "invalid page in block",
];

fn meaning(error: &QueryError) -> StoreError {
    let says = |phrases: &[&str], message: &str| phrases.iter().any(|part| message.contains(part));
    match error {
        error if is_constraint(error) => StoreError::Conflict(error.to_string().into()),
        QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => StoreError::Busy,
        QueryError::DatabaseError(_, information) => {
            let message = information.message();
            if says(&BUSY, message) {
                StoreError::Busy
            } else if says(&FULL, message) {
                StoreError::Full
            } else if says(&CORRUPT, message) {
                StoreError::Corrupt(message.into())
            } else {
                StoreError::Unavailable(message.trim().into())
            }
        }
        QueryError::NotFound => StoreError::NotFound("row"),
        QueryError::DeserializationError(error) => StoreError::Corrupt(error.to_string().into()),
        // The transaction had been committed or not before this; only its clean-up failed.
        QueryError::RollbackErrorOnCommit { commit_error, .. } => meaning(commit_error),
        error => StoreError::Unavailable(error.to_string().into()),
    }
}

/// A stored value that does not read as it was written.
pub(crate) fn corrupt(what: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(what.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> QueryError {
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn wording_becomes_meaning() {
        assert_eq!(meaning(&said("database is locked")), StoreError::Busy);
        assert_eq!(meaning(&said("database or disk is full")), StoreError::Full);
        assert!(matches!(
            meaning(&said("database disk image is malformed")),
            StoreError::Corrupt(_)
        ));
    }

    #[test]
    fn only_a_broken_commit_is_of_unknown_outcome() {
        let lost = || said("server closed the connection unexpectedly");
        assert_eq!(
            Failure::Commit(lost()).into_store(),
            StoreError::OutcomeUnknown
        );
        assert!(matches!(
            Failure::Query(lost()).into_store(),
            StoreError::Unavailable(_)
        ));
        assert_eq!(
            Failure::Commit(said("database or disk is full")).into_store(),
            StoreError::Full
        );
    }
}
