//! Routers. Their passwords are sealed.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::{GateOrder, Router, RouterConnection, TransportKind},
    id::RouterId,
    policy::Adopt,
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
    observe_asks: bool,
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

/// A name, or JSON where there is more to say.
fn adopt_column(adopt: Adopt) -> Result<String, StoreError> {
    match adopt {
        Adopt::Grace { .. } => json(&adopt),
        Adopt::Ask | Adopt::Cut => name(&adopt),
    }
}

fn adopt_of(column: &str) -> Result<Adopt, StoreError> {
    const WHAT: &str = "a router's policy";
    if column.starts_with('{') {
        from_json(WHAT, column)
    } else {
        from_name(WHAT, column)
    }
}

/// An order to switch a gate that was not yet seen done: its columns.
pub(crate) type OrderRow = (String, String, i64);

pub(crate) fn order_row(order: &GateOrder) -> Result<OrderRow, StoreError> {
    let router = order.router.to_string();
    Ok((router, name(&order.mode)?, order.at.millis()))
}

pub(crate) fn order((router, mode, at): OrderRow) -> Result<GateOrder, StoreError> {
    Ok(GateOrder {
        router: id("an order's router", &router)?,
        mode: from_name("an order's mode", &mode)?,
        at: Timestamp(at),
    })
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
            adopt: adopt_column(router.adopt)?,
            since: router.since.millis(),
            poll_interval: router.poll_interval.into(),
            hook_key_hash: router.hook_key_hash.as_deref().map(plain).transpose()?,
            policy: json(&router.policy)?,
            version: router.version.into(),
            observe_asks: router.observe_asks,
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
            observe_asks: self.observe_asks,
            adopt: adopt_of(&self.adopt)?,
            since: Timestamp(self.since),
            poll_interval: count("a router's poll interval", self.poll_interval)?,
            hook_key_hash: self.hook_key_hash.map(Text::from),
            policy: from_json("a router's policy", &self.policy)?,
            version: count("a router's version", self.version)?,
        })
    }
}
