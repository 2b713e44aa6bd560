//! Entries of the audit log.
//!
//! Names and addresses of people enter an entry's hash only as salted hashes, with the salt and the value beside. So
//! they can be erased for good while the chain stays whole.

use diesel::prelude::*;
use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    store::StoreError,
    time::Timestamp,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    error::corrupt,
    rows::{from_json, id, json},
    schema::audit_entries,
};

/// Fields of an entry that law may want erased.
const PERSONAL: [&str; 3] = ["caller", "account", "change"];
/// How a salted hash begins where the value stood.
const HASHED: &str = "sha256:";
/// What is shown where a value was erased.
const ERASED: &str = "(erased)";

/// An entry as it is written, without its place in a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EntryRow {
    pub(crate) at: i64,
    pub(crate) session: Option<String>,
    pub(crate) router: Option<String>,
    pub(crate) account: Option<String>,
    /// JSON of what happened, with hashes where something personal stood.
    pub(crate) what: String,
    /// JSON of what stood there.
    pub(crate) personal: Option<String>,
    /// Hexadecimal.
    pub(crate) salt: Option<String>,
}

impl EntryRow {
    pub(crate) fn new(entry: &AuditEntry) -> Result<Self, StoreError> {
        let (what, hidden) = if holds_personal(&entry.what) {
            hide(&entry.what)?
        } else {
            (json(&entry.what)?, None)
        };
        let (personal, salt) = hidden.unzip();
        Ok(Self {
            at: entry.at.millis(),
            session: entry.session.map(|id| id.to_string()),
            router: entry.router.map(|id| id.to_string()),
            account: entry.account.map(|id| id.to_string()),
            what,
            personal,
            salt,
        })
    }

    /// The entry as it was, as far as it was not erased.
    pub(crate) fn entry(&self) -> Result<AuditEntry, StoreError> {
        let mut what: Value = from_json("an audit entry", &self.what)?;
        let personal: Map<String, Value> = match &self.personal {
            Some(personal) => from_json("an audit entry", personal)?,
            None => Map::new(),
        };
        if let Value::Object(fields) = &mut what {
            show(fields, personal);
        }
        let optional = |text: &Option<String>| text.clone();
        Ok(AuditEntry {
            at: Timestamp(self.at),
            session: optional(&self.session)
                .map(|text| id("a session", &text))
                .transpose()?,
            router: optional(&self.router)
                .map(|text| id("a router", &text))
                .transpose()?,
            account: optional(&self.account)
                .map(|text| id("an account", &text))
                .transpose()?,
            what: serde_json::from_value(what)
                .map_err(|error| corrupt(format_args!("an audit entry: {error}")))?,
        })
    }

    /// The hash of this entry at its place: SHA-256 over the hash before it and the entry as JSON, keys sorted.
    pub(crate) fn hash(&self, before: &[u8], chain: &str, seq: i64) -> [u8; 32] {
        let quoted = |text: &Option<String>| {
            text.as_ref()
                .map_or_else(|| "null".to_owned(), |text| format!("\"{text}\""))
        };
        let record = format!(
            r#"{{"account":{},"at":{},"chain":"{chain}","router":{},"seq":{seq},"session":{},"what":{}}}"#,
            quoted(&self.account),
            self.at,
            quoted(&self.router),
            quoted(&self.session),
            self.what,
        );
        Sha256::new()
            .chain_update(before)
            .chain_update(record)
            .finalize()
            .into()
    }

    /// Is what stands beside the hashes what was hashed? Erased values are in order.
    pub(crate) fn personal_is_whole(&self) -> bool {
        let (Some(personal), Some(salt)) = (&self.personal, &self.salt) else {
            return self.personal.is_none();
        };
        let parsed = (
            serde_json::from_str::<Map<String, Value>>(personal),
            serde_json::from_str::<Map<String, Value>>(&self.what),
        );
        let (Ok(personal), Ok(what)) = parsed else {
            return false;
        };
        personal
            .iter()
            .all(|(key, value)| what.get(key) == Some(&salted(salt, key, value)))
    }
}

const fn holds_personal(what: &AuditKind) -> bool {
    matches!(
        what,
        AuditKind::Challenged { .. }
            | AuditKind::Judged { .. }
            | AuditKind::Banned { .. }
            | AuditKind::Desk { .. }
    )
}

/// Puts salted hashes where something personal stands; gives that and the salt beside.
fn hide(what: &AuditKind) -> Result<(String, Option<(String, String)>), StoreError> {
    let unwritable =
        |error| StoreError::Conflict(format!("an audit entry cannot be written: {error}").into());
    let Value::Object(mut fields) = serde_json::to_value(what).map_err(unwritable)? else {
        return Ok((json(what)?, None));
    };
    let salt = salt()?;
    let mut personal = Map::new();
    for key in PERSONAL {
        if let Some(value) = fields.get_mut(key).filter(|value| !value.is_null()) {
            let hash = salted(&salt, key, value);
            personal.insert(key.to_owned(), std::mem::replace(value, hash));
        }
    }
    let hidden = if personal.is_empty() {
        None
    } else {
        Some((json(&personal)?, salt))
    };
    Ok((json(&fields)?, hidden))
}

/// Puts back what was hidden; a mark where it was erased.
fn show(fields: &mut Map<String, Value>, mut personal: Map<String, Value>) {
    for key in PERSONAL {
        let Some(value) = fields.get_mut(key) else {
            continue;
        };
        if !value.as_str().is_some_and(|text| text.starts_with(HASHED)) {
            continue;
        }
        *value = personal.remove(key).unwrap_or_else(|| {
            if key == "caller" {
                Value::Null
            } else {
                ERASED.into()
            }
        });
    }
}

fn salt() -> Result<String, StoreError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}").into()))?;
    Ok(hex(&salt))
}

fn salted(salt: &str, key: &str, value: &Value) -> Value {
    let hash = Sha256::new()
        .chain_update(format!("{salt} {key} {value}"))
        .finalize();
    Value::String(format!("{HASHED}{}", hex(&hash)))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// An entry as it is read.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
pub(crate) struct StoredEntry {
    pub(crate) number: i64,
    pub(crate) seq: i64,
    at: i64,
    #[diesel(column_name = session_id)]
    session: Option<String>,
    #[diesel(column_name = router_id)]
    router: Option<String>,
    #[diesel(column_name = account_id)]
    account: Option<String>,
    what: String,
    personal: Option<String>,
    salt: Option<String>,
    pub(crate) hash: Vec<u8>,
}

impl StoredEntry {
    /// What was written.
    pub(crate) fn row(self) -> EntryRow {
        EntryRow {
            at: self.at,
            session: self.session,
            router: self.router,
            account: self.account,
            what: self.what,
            personal: self.personal,
            salt: self.salt,
        }
    }
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::{
        id::{ChallengeId, RouterId},
        session::StateName,
        tunnel::{Caller, TunnelKey, TunnelSource},
    };
    use uuid::Uuid;

    use super::*;

    fn entry(what: AuditKind) -> AuditEntry {
        AuditEntry {
            at: Timestamp(7),
            session: None,
            router: Some(RouterId::from_uuid(Uuid::from_u128(5))),
            account: None,
            what,
        }
    }

    fn challenged(caller: Option<&str>) -> AuditEntry {
        entry(AuditKind::Challenged {
            challenge: ChallengeId::from_uuid(Uuid::from_u128(1)),
            tunnel: TunnelKey {
                router: RouterId::from_uuid(Uuid::from_u128(5)),
                source: TunnelSource::Ppp,
                handle: "*1".into(),
                nonce: None,
            },
            caller: caller.map(Caller::parse),
        })
    }

    #[test]
    fn what_is_personal_stands_beside_and_comes_back() {
        let entry = challenged(Some("203.0.113.7"));
        let row = EntryRow::new(&entry).unwrap();
        assert!(!row.what.contains("203.0.113.7"), "{}", row.what);
        assert!(row.personal_is_whole());
        assert_eq!(row.entry().unwrap(), entry);
    }

    #[test]
    fn what_is_erased_leaves_the_hash_as_it_was() {
        let mut row = EntryRow::new(&challenged(Some("203.0.113.7"))).unwrap();
        let hash = row.hash(&[0; 32], "c", 1);
        (row.personal, row.salt) = (None, None);
        assert_eq!(row.hash(&[0; 32], "c", 1), hash);
        assert!(row.personal_is_whole());
        assert_eq!(row.entry().unwrap(), challenged(None));
    }

    #[test]
    fn what_is_changed_beside_is_seen() {
        let mut row = EntryRow::new(&challenged(Some("203.0.113.7"))).unwrap();
        row.personal = row.personal.map(|text| text.replace("113.7", "113.8"));
        assert!(!row.personal_is_whole());
    }

    #[test]
    fn every_part_is_in_the_hash() {
        let row = EntryRow::new(&entry(AuditKind::SessionOpened {
            state: StateName::Requested,
        }))
        .unwrap();
        let hash = row.hash(&[0; 32], "c", 1);
        assert_ne!(hash, row.hash(&[1; 32], "c", 1));
        assert_ne!(hash, row.hash(&[0; 32], "d", 1));
        assert_ne!(hash, row.hash(&[0; 32], "c", 2));
        let later = EntryRow {
            at: 8,
            ..row.clone()
        };
        assert_ne!(hash, later.hash(&[0; 32], "c", 1));
        let elsewhere = EntryRow {
            router: None,
            ..row
        };
        assert_ne!(hash, elsewhere.hash(&[0; 32], "c", 1));
    }
}
