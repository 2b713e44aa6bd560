//! Reading properties of rows.

use std::time::Duration;

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};

use crate::{duration, handle::Id, text};

/// A row lacks what no row may lack, or has it in a form that is not RouterOS's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a row's `{property}` reads `{value}`, which is none")]
pub(crate) struct Malformed {
    property: &'static str,
    value: Text,
}

impl Malformed {
    pub(crate) fn new(property: &'static str, value: Option<&[u8]>) -> Self {
        Self {
            property,
            value: text::shown(value.unwrap_or_default()),
        }
    }
}

impl From<Malformed> for RouterError {
    fn from(malformed: Malformed) -> Self {
        Self::Protocol(malformed.to_string().into())
    }
}

/// A value that says something: absent and empty mean the same (some menus send what is unset, most leave it out).
pub(crate) fn present(value: Option<&[u8]>) -> Option<&[u8]> {
    value.filter(|value| !value.is_empty())
}

pub(crate) fn id(value: Option<&[u8]>) -> Result<Id, Malformed> {
    value
        .and_then(Id::parse)
        .ok_or_else(|| Malformed::new(".id", value))
}

pub(crate) fn duration(
    property: &'static str,
    value: Option<&[u8]>,
) -> Result<Option<Duration>, Malformed> {
    let Some(bytes) = present(value) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(bytes).ok();
    match text.map(duration::parse) {
        Some(Ok(duration)) => Ok(Some(duration)),
        _ => Err(Malformed::new(property, value)),
    }
}
