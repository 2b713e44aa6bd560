//! Rows are not domain types: what is stored, and how it is read back.

use mikro2fa_core::{store::StoreError, time::Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::corrupt;

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod ban;
pub(crate) mod journal;
pub(crate) mod keyboard;
pub(crate) mod outbox;
pub(crate) mod person;
pub(crate) mod router;
pub(crate) mod session;

/// As JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Conflict(format!("it cannot be written: {error}").into()))
}

/// From JSON; `what` names it when it does not read.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(format_args!("{what}: {error}")))
}

/// The name of an enum's variant, as stored: what serde calls it.
pub(crate) fn name<T: Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

/// The variant of this name.
pub(crate) fn from_name<T: DeserializeOwned>(what: &str, name: &str) -> Result<T, StoreError> {
    let error = |error: serde::de::value::Error| corrupt(format_args!("{what}: {error}"));
    let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        serde::de::IntoDeserializer::into_deserializer(name);
    T::deserialize(name).map_err(error)
}

/// An id as it was written.
pub(crate) fn id<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| corrupt(format_args!("{what}: `{text}` is no id")))
}

/// A text that both databases can hold.
pub(crate) fn plain(text: &str) -> Result<String, StoreError> {
    if text.contains('\0') {
        return Err(StoreError::Conflict(
            "a text with a NUL character cannot be stored: leave it out".into(),
        ));
    }
    Ok(text.to_owned())
}

/// A count as it was written.
pub(crate) fn count<T: TryFrom<i64>>(what: &str, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| corrupt(format_args!("{what}: {number} is out of range")))
}

/// An instant, where there is one.
pub(crate) fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::millis)
}
