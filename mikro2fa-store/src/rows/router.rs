//! Routers. Their passwords are sealed.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::{Router, RouterConnection, TransportKind},
    id::RouterId,
    store::StoreError,
    time::Timestamp,
    tunnel::Text,
};
use serde::{Deserialize, Serialize};

use crate::{
    rows::{count, from_json, from_name, id, json, name, plain},
    schema::routers,
    sealed::Key,
};

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = routers, treat_none_as_default_value = false)]
pub(crate) struct RouterRow {
    id: String,
    name: String,
    connection: String,
    password: Vec<u8>,
    mode: String,
    gates: String,
    unowned: String,
    adopt: String,
    since: i64,
    poll_interval: i64,
    hook_key_hash: Option<String>,
    policy: String,
    version: i64,
}

/// How a router is reached, without the password.
#[derive(Serialize, Deserialize)]
struct Reached {
    host: Text,
    port: u16,
    transport: TransportKind,
    user: Text,
    pins: Vec<Text>,
}

/// What a password is sealed for.
fn place(router: RouterId) -> String {
    format!("routers:{router}:password")
}

impl RouterRow {
    pub(crate) fn new(router: &Router, key: &Key) -> Result<Self, StoreError> {
        let connection = &router.connection;
        Ok(Self {
            id: router.id.to_string(),
            name: plain(&router.name)?,
            connection: json(&Reached {
                host: Text::clone(&connection.host),
                port: connection.port,
                transport: connection.transport,
                user: Text::clone(&connection.user),
                pins: connection.pins.clone(),
            })?,
            password: key.seal(&place(router.id), &connection.password)?,
            mode: name(&router.mode)?,
            gates: json(&router.gates)?,
            unowned: name(&router.unowned)?,
            adopt: name(&router.adopt)?,
            since: router.since.millis(),
            poll_interval: router.poll_interval.into(),
            hook_key_hash: router.hook_key_hash.as_deref().map(plain).transpose()?,
            policy: json(&router.policy)?,
            version: router.version.into(),
        })
    }

    pub(crate) fn router(self, key: &Key) -> Result<Router, StoreError> {
        let id = id("a router", &self.id)?;
        let reached: Reached = from_json("a router's connection", &self.connection)?;
        Ok(Router {
            id,
            name: self.name.into(),
            connection: RouterConnection {
                host: reached.host,
                port: reached.port,
                transport: reached.transport,
                user: reached.user,
                password: key.open(&place(id), &self.password)?,
                pins: reached.pins,
            },
            mode: from_name("a router's mode", &self.mode)?,
            gates: from_json("a router's gates", &self.gates)?,
            unowned: from_name("a router's policy", &self.unowned)?,
            adopt: from_name("a router's policy", &self.adopt)?,
            since: Timestamp(self.since),
            poll_interval: count("a router's poll interval", self.poll_interval)?,
            hook_key_hash: self.hook_key_hash.map(Text::from),
            policy: from_json("a router's policy", &self.policy)?,
            version: count("a router's version", self.version)?,
        })
    }
}
