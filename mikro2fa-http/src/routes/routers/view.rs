//! A router as callers see it: its record, what the doctor says, how it stands.

use mikro2fa_core::{
    desk::{Gates, Mode, Router, RouterConnection, TransportKind},
    id::RouterId,
    policy::{Adopt, PolicyLevel, PolicyOverride, Unowned},
    secret::Secret,
    time::Timestamp,
    tunnel::Text,
};
use mikro2fa_router::ssh::Login;
use serde::Serialize;
use warp::http::StatusCode;

use super::{
    super::{
        Api,
        call::{Answer, Call, one},
    },
    connection::is_ssh,
    find,
};
use crate::{
    desk::weakenings,
    error::{Kind, Problem},
};

/// A router as callers see it.
#[derive(Serialize)]
pub(super) struct RouterView {
    id: RouterId,
    name: Text,
    host: Text,
    port: u16,
    transport: TransportKind,
    user: Text,
    login: LoginKind,
    pins: Vec<Text>,
    mode: Mode,
    observe_asks: bool,
    gates: Gates,
    unowned: Unowned,
    adopt: Adopt,
    since: Timestamp,
    poll_interval: u32,
    has_hook_key: bool,
    policy: PolicyLevel,
    /// What its policy and gates give up.
    weakenings: Vec<&'static str>,
    /// The gate was ordered to follow the mode, and was not yet seen so.
    switching: bool,
    version: u32,
}

/// What a router's login is proved by.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LoginKind {
    Password,
    Key,
}

impl LoginKind {
    fn of(transport: TransportKind, secret: &Secret) -> Self {
        if is_ssh(transport) && Login::of(secret).is_key() {
            Self::Key
        } else {
            Self::Password
        }
    }
}

/// A router with what is said about it beside its record.
pub(super) async fn view(api: &Api, router: Router) -> Result<RouterView, Problem> {
    let system = api.directory.system_policy().await?;
    let order = api.directory.gate_order(router.id).await?;
    Ok(RouterView::new(router, &system, order.is_some()))
}

impl RouterView {
    fn new(router: Router, system: &PolicyOverride, switching: bool) -> Self {
        let weakenings = weakenings(system, &router);
        let RouterConnection {
            host,
            port,
            transport,
            user,
            password,
            pins,
        } = router.connection;
        Self {
            id: router.id,
            name: router.name,
            host,
            port,
            transport,
            user,
            login: LoginKind::of(transport, &password),
            pins,
            mode: router.mode,
            observe_asks: router.observe_asks,
            gates: router.gates,
            unowned: router.unowned,
            adopt: router.adopt,
            since: router.since,
            poll_interval: router.poll_interval,
            has_hook_key: router.hook_key_hash.is_some(),
            policy: router.policy,
            weakenings,
            switching,
            version: router.version,
        }
    }
}

/// What the doctor says.
#[derive(Serialize)]
struct Checked {
    sentence: String,
    #[serde(flatten)]
    report: mikro2fa_router::check::Report,
}

/// Reads the router with its daily login, and judges it; nothing is changed.
pub(super) async fn check(api: &Api, call: &Call, router: &str) -> Answer {
    call.only(&[])?;
    let router = find(api, router).await?;
    let desk = api.directory.router_desk(router.id).await?;
    let desk = desk.ok_or(Problem::new(Kind::NotFound))?;
    let report = api.checks.doctor(&desk, call.now).await.map_err(|error| {
        Problem::with(
            Kind::Unavailable,
            format!("the router can't be checked: {error}"),
        )
    })?;
    let sentence = report.sentence();
    one(StatusCode::OK, &Checked { sentence, report })
}

/// How a router stands, as the engine last saw it.
#[derive(Serialize)]
struct StatusView {
    reachable: Option<bool>,
    since: Timestamp,
    trouble: Option<Text>,
    looked_at: Option<Timestamp>,
    tunnels: usize,
    held: usize,
    sessions: usize,
    permits: usize,
    gate: &'static str,
    findings: Vec<Text>,
}

pub(super) async fn status(api: &Api, call: &Call, router: &str) -> Answer {
    call.only(&[])?;
    let router = find(api, router).await?;
    let status = api.engine.router_status(router.id).await?;
    one(
        StatusCode::OK,
        &StatusView {
            reachable: status.reachable,
            since: status.since,
            trouble: status.trouble,
            looked_at: status.looked_at,
            tunnels: status.tunnels,
            held: status.held,
            sessions: status.sessions,
            permits: status.permits,
            gate: status.gate.name(),
            findings: status.findings,
        },
    )
}
