//! Sources and their accounts.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::{Account, NameMatching, Source},
    id::RouterId,
    store::StoreError,
};

use crate::{
    rows::{count, from_json, from_name, id, json, name, plain},
    schema::{accounts, source_routers, sources},
};

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = sources, treat_none_as_default_value = false)]
pub(crate) struct SourceRow {
    pub(crate) id: String,
    kind: String,
    matching: String,
    holder_id: Option<String>,
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = source_routers, treat_none_as_default_value = false)]
pub(crate) struct SourceRouterRow {
    pub(crate) source_id: String,
    pub(crate) router_id: String,
    place: i64,
}

impl SourceRow {
    pub(crate) fn new(source: &Source) -> Result<(Self, Vec<SourceRouterRow>), StoreError> {
        let row = Self {
            id: source.id.to_string(),
            kind: name(&source.kind)?,
            matching: name(&source.matching)?,
            holder_id: source.holder.map(|holder| holder.to_string()),
        };
        let mut routers: Vec<SourceRouterRow> = Vec::with_capacity(source.routers.len());
        for router in &source.routers {
            let router_id = router.to_string();
            if routers.iter().all(|row| row.router_id != router_id) {
                routers.push(SourceRouterRow {
                    source_id: row.id.clone(),
                    router_id,
                    place: i64::try_from(routers.len()).unwrap_or(i64::MAX),
                });
            }
        }
        Ok((row, routers))
    }

    /// With the routers that it serves, in their order.
    pub(crate) fn source(self, routers: Vec<RouterId>) -> Result<Source, StoreError> {
        Ok(Source {
            id: id("a source", &self.id)?,
            kind: from_name("a source's kind", &self.kind)?,
            matching: self.matching()?,
            holder: self
                .holder_id
                .map(|holder| id("a source's holder", &holder))
                .transpose()?,
            routers,
        })
    }

    pub(crate) fn matching(&self) -> Result<NameMatching, StoreError> {
        from_name("a source's matching", &self.matching)
    }
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = accounts, treat_none_as_default_value = false)]
pub(crate) struct AccountRow {
    id: String,
    source_id: String,
    name: String,
    pub(crate) name_key: String,
    owner_id: Option<String>,
    kind: String,
    handed_over: bool,
    routes: String,
    policy: String,
    version: i64,
    disabled: bool,
    before: String,
}

impl AccountRow {
    pub(crate) fn new(account: &Account, matching: NameMatching) -> Result<Self, StoreError> {
        Ok(Self {
            id: account.id.to_string(),
            source_id: account.source.to_string(),
            name: plain(&account.name)?,
            name_key: matching.key(&account.name).as_ref().to_owned(),
            owner_id: account.owner.map(|owner| owner.to_string()),
            kind: name(&account.kind)?,
            handed_over: account.handed_over,
            routes: json(&account.routes)?,
            policy: json(&account.policy)?,
            version: account.version.into(),
            disabled: account.disabled,
            before: json(&account.before)?,
        })
    }

    pub(crate) fn account(self) -> Result<Account, StoreError> {
        Ok(Account {
            id: id("an account", &self.id)?,
            source: id("an account's source", &self.source_id)?,
            name: self.name.into(),
            owner: self
                .owner_id
                .map(|owner| id("an account's owner", &owner))
                .transpose()?,
            kind: from_name("an account's kind", &self.kind)?,
            handed_over: self.handed_over,
            disabled: self.disabled,
            before: from_json("what an account was before", &self.before)?,
            routes: from_json("an account's routes", &self.routes)?,
            policy: from_json("an account's policy", &self.policy)?,
            version: count("an account's version", self.version)?,
        })
    }
}
