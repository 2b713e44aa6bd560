//! A session is one compact versioned value; the columns beside it are there to find and to list it.

use mikro2fa_core::{
    session::{Session, Version},
    store::StoreError,
};

use crate::{error::corrupt, rows::millis};

/// How the value is laid out; its first byte. 1 = postcard of [`Session`] as of version 0.1.
///
/// Postcard knows no field names: whoever changes a type in `Session` in any other way than adding a variant at the
/// end of an enum has to add a format here, and keep reading the older ones. A test holds the bytes of one session.
const FORMAT: u8 = 1;

/// A session's columns.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) router: String,
    pub(crate) account: String,
    pub(crate) owner: String,
    pub(crate) version: i64,
    pub(crate) deadline: Option<i64>,
    pub(crate) state_name: &'static str,
    pub(crate) ended: bool,
    /// Nothing of it is left: it moves to the ended ones.
    pub(crate) settled: bool,
    pub(crate) opened_at: i64,
    pub(crate) state: Vec<u8>,
}

/// A version as a column.
pub(crate) fn version(version: Version) -> i64 {
    i64::try_from(version.0).unwrap_or(i64::MAX)
}

impl SessionRow {
    pub(crate) fn new(session: &Session) -> Result<Self, StoreError> {
        Ok(Self {
            id: session.id.to_string(),
            router: session.router.to_string(),
            account: session.account.to_string(),
            owner: session.owner.to_string(),
            version: version(session.version),
            deadline: millis(session.deadline()),
            state_name: session.state.name().as_str(),
            ended: session.is_ended(),
            settled: session.is_settled(),
            opened_at: session.opened_at.millis(),
            state: encode(session)?,
        })
    }
}

/// As stored.
pub(crate) fn encode(session: &Session) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(FORMAT);
    postcard::to_extend(session, bytes)
        .map_err(|error| StoreError::Conflict(format!("it cannot be written: {error}").into()))
}

/// As it was stored.
pub(crate) fn decode(bytes: &[u8]) -> Result<Session, StoreError> {
    match bytes.split_first() {
        Some((&FORMAT, bytes)) => {
            let (session, rest) = postcard::take_from_bytes(bytes)
                .map_err(|error| corrupt(format_args!("a session: {error}")))?;
            if rest.is_empty() {
                Ok(session)
            } else {
                Err(corrupt("a session: it is longer than it should be"))
            }
        }
        Some((format, _)) => Err(corrupt(format_args!("a session: unknown format {format}"))),
        None => Err(corrupt("a session: it is empty")),
    }
}

/// A session read straight from its row: its bytes are not copied first.
#[derive(Debug, diesel::deserialize::FromSqlRow)]
pub(crate) struct Stored(pub(crate) Result<Session, StoreError>);

#[cfg(test)]
mod tests;
