//! `/api/routers`: RouterOS devices under control. Passwords and keys go in, and never come out again.

mod connection;
mod logins;
mod view;

use std::sync::Arc;

use mikro2fa_core::{
    audit::AuditEntry,
    desk::{
        Gates, Mode, NameMatching, Router, RouterConnection, Source, SourceKind, TransportKind,
    },
    directory::{DeskChange, Page},
    id::{RouterId, SourceId},
    policy::{Adopt, PolicyLevel, Unowned},
    time::Timestamp,
};
use mikro2fa_router::gate::GateNames;
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use self::{
    connection::{Password, PollInterval, Port, PrivateKey, proof},
    view::view,
};
use super::{
    Api,
    call::{Answer, Call, done, id, one, rows},
    hook,
    input::{self, Name},
    preparing, rules,
};
use crate::error::{Kind, Problem};

pub(crate) use self::connection::{Host, Pin, usual_port};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => list(&api, &call).await,
            Method::POST => create(&api, &call).await,
            _ => call.no_such_method(),
        },
        [router] => match call.method {
            Method::GET => {
                let router = find(&api, router).await?;
                one(StatusCode::OK, &view(&api, router).await?)
            }
            Method::PATCH => change(&api, &call, find(&api, router).await?).await,
            Method::DELETE => remove(&api, &call, find(&api, router).await?).await,
            _ => call.no_such_method(),
        },
        [router, "hook-key"] if call.method == Method::POST => {
            hook_key(&api, &call, find(&api, router).await?).await
        }
        [router, "logins"] => match call.method {
            Method::GET => logins::list(&api, &call, &find(&api, router).await?).await,
            Method::POST => logins::make(&api, &call, &find(&api, router).await?).await,
            _ => call.no_such_method(),
        },
        [router, "import"] if call.method == Method::POST => {
            logins::import(&api, &call, &find(&api, router).await?).await
        }
        [router, "report"] if call.method == Method::GET => {
            report(&api, &call, &find(&api, router).await?).await
        }
        [router, "prepare"] if call.method == Method::POST => {
            preparing::prepare(&api, &call, find(&api, router).await?).await
        }
        [router, "restore"] if call.method == Method::POST => {
            preparing::restore(&api, &call, find(&api, router).await?).await
        }
        [_, "hook-key" | "import" | "report" | "prepare" | "restore"] => call.no_such_method(),
        [router, "check"] if call.method == Method::GET => view::check(&api, &call, router).await,
        [router, "status"] if call.method == Method::GET => view::status(&api, &call, router).await,
        [_, "check" | "status"] => call.no_such_method(),
        [router, "rules"] => rules::answer(&api, &call, find(&api, router).await?).await,
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

async fn find(api: &Api, text: &str) -> Result<Router, Problem> {
    let wanted = id::<RouterId>(text)?;
    let routers = api.directory.routers().await?;
    routers
        .into_iter()
        .find(|router| router.id == wanted)
        .ok_or(Problem::new(Kind::NotFound))
}

async fn list(api: &Api, call: &Call) -> Answer {
    call.only(&[])?;
    let mut views = Vec::new();
    for router in api.directory.routers().await? {
        views.push(view(api, router).await?);
    }
    rows(
        Page {
            rows: views,
            next: None,
        },
        |view| view,
    )
}

/// `transport` has no default: the API in the clear is only used where somebody says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRouter {
    name: Name,
    host: Host,
    port: Option<Port>,
    transport: TransportKind,
    user: Name,
    password: Option<Password>,
    key: Option<PrivateKey>,
    passphrase: Option<Password>,
    #[serde(default)]
    pins: Vec<Pin>,
    #[serde(default)]
    mode: Mode,
    #[serde(default = "yes")]
    observe_asks: bool,
    #[serde(default)]
    gates: Gates,
    #[serde(default)]
    unowned: Unowned,
    #[serde(default)]
    adopt: Adopt,
    #[serde(default)]
    poll_interval: PollInterval,
    #[serde(default)]
    policy: PolicyLevel,
    /// Kept although it does not answer now.
    #[serde(default)]
    unchecked: bool,
}

const fn yes() -> bool {
    true
}

async fn create(api: &Arc<Api>, call: &Call) -> Answer {
    let new: NewRouter = call.json()?;
    input::policy(api, &new.policy).await?;
    named(&new.gates)?;
    let router = Router {
        id: RouterId::from_uuid(api.entropy.sorted(call.now)),
        name: new.name.0,
        connection: RouterConnection {
            host: new.host.0,
            port: new
                .port
                .map_or_else(|| usual_port(new.transport), |port| port.0.get()),
            transport: new.transport,
            user: new.user.0,
            password: proof(new.transport, new.password, new.key, new.passphrase)?
                .ok_or_else(|| Problem::with(Kind::Invalid, "missing field `password`"))?,
            pins: new.pins.into_iter().map(|pin| pin.0).collect(),
        },
        mode: new.mode,
        observe_asks: new.observe_asks,
        gates: new.gates,
        unowned: new.unowned,
        adopt: new.adopt,
        since: call.now,
        poll_interval: new.poll_interval.0,
        hook_key_hash: None,
        policy: new.policy,
        version: 0,
    };
    if !new.unchecked {
        answers(api, &router.connection).await?;
    }
    let source = Source {
        id: SourceId::from_uuid(api.entropy.sorted(call.now)),
        kind: SourceKind::PppSecrets,
        matching: NameMatching::Exact,
        holder: Some(router.id),
        routers: vec![router.id],
    };
    let changes = vec![
        DeskChange::PutRouter(router.clone()),
        DeskChange::PutSource(source),
    ];
    let audit = audited(call, "took router", &router, " under control");
    api.engine.change_desk(changes, vec![audit]).await?;
    one(StatusCode::CREATED, &view(api, router).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    version: u32,
    name: Option<Name>,
    host: Option<Host>,
    port: Option<Port>,
    transport: Option<TransportKind>,
    user: Option<Name>,
    password: Option<Password>,
    key: Option<PrivateKey>,
    passphrase: Option<Password>,
    pins: Option<Vec<Pin>>,
    mode: Option<Mode>,
    observe_asks: Option<bool>,
    gates: Option<Gates>,
    unowned: Option<Unowned>,
    adopt: Option<Adopt>,
    poll_interval: Option<PollInterval>,
    policy: Option<PolicyLevel>,
    /// Kept although it does not answer now.
    #[serde(default)]
    unchecked: bool,
}

async fn change(api: &Arc<Api>, call: &Call, before: Router) -> Answer {
    let change: Change = call.json()?;
    let was = before.connection.clone();
    if let Some(gates) = &change.gates {
        named(gates)?;
    }
    if let Some(policy) = &change.policy {
        input::policy(api, policy).await?;
    }
    let transport = change.transport.unwrap_or(before.connection.transport);
    let proof = proof(transport, change.password, change.key, change.passphrase)?;
    let told = proof.is_some();
    let connection = RouterConnection {
        host: change.host.map_or(before.connection.host, |host| host.0),
        port: change
            .port
            .map_or(before.connection.port, |port| port.0.get()),
        transport,
        user: change.user.map_or(before.connection.user, |user| user.0),
        password: proof.unwrap_or(before.connection.password),
        pins: change.pins.map_or(before.connection.pins, |pins| {
            pins.into_iter().map(|pin| pin.0).collect()
        }),
    };
    let router = Router {
        name: change.name.map_or(before.name, |name| name.0),
        connection,
        observe_asks: change.observe_asks.unwrap_or(before.observe_asks),
        gates: change.gates.unwrap_or(before.gates),
        unowned: change.unowned.unwrap_or(before.unowned),
        adopt: change.adopt.unwrap_or(before.adopt),
        poll_interval: change
            .poll_interval
            .map_or(before.poll_interval, |seconds| seconds.0),
        policy: change.policy.unwrap_or(before.policy),
        version: change.version.saturating_add(1),
        ..before
    };
    let moved = |connection: &RouterConnection| {
        (
            connection.host.clone(),
            connection.port,
            connection.transport,
            connection.pins.clone(),
        )
    };
    if !told && moved(&router.connection) != moved(&was) {
        return Err(Problem::with(
            Kind::Invalid,
            "password: say it again where host, port, transport or pins change, so that it does not go to a stranger",
        ));
    }
    if !change.unchecked && router.connection != was {
        answers(api, &router.connection).await?;
    }
    let begins = change.mode == Some(Mode::Enforcing) && router.mode == Mode::Observing;
    if begins && !change.unchecked {
        api.desk(call).may_be_enforced(&router, &api.clock).await?;
    }
    let (router, order) = match change.mode {
        Some(mode) => {
            let (router, order) = router.switched(mode, call.now);
            (router, Some(order))
        }
        None => (router, None),
    };
    let rest = match order.map(|order| order.mode) {
        Some(Mode::Enforcing) => ": its gate is shut, and it is enforced",
        Some(Mode::Observing) => ": its gate is opened, and it is only observed",
        None => "",
    };
    let audit = audited(call, "changed router", &router, rest);
    let mut changes = vec![DeskChange::PutRouter(router.clone())];
    changes.extend(order.map(DeskChange::OrderGate));
    api.engine.change_desk(changes, vec![audit]).await?;
    one(StatusCode::OK, &view(api, router).await?)
}

/// Names that a gate cannot have are not kept.
fn named(gates: &Gates) -> Result<(), Problem> {
    let names = GateNames::from(&*gates.lists).checked();
    names
        .map(drop)
        .map_err(|error| Problem::with(Kind::Invalid, format!("gates.lists: {error}")))
}

/// A router that does not answer, refuses the login or is of no known version is not kept.
async fn answers(api: &Api, connection: &RouterConnection) -> Result<(), Problem> {
    match api.checks.router(connection).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::with(
            Kind::Invalid,
            format!("{error}; to keep it all the same, say \"unchecked\": true"),
        )),
    }
}

pub(super) async fn put(api: &Api, router: &Router, audit: AuditEntry) -> Result<(), Problem> {
    api.engine
        .change_desk(vec![DeskChange::PutRouter(router.clone())], vec![audit])
        .await?;
    Ok(())
}

/// Its sessions end first, so that nobody stays in on a router that nobody looks at any more.
async fn remove(api: &Api, call: &Call, router: Router) -> Answer {
    call.only(&["leave_the_gate"])?;
    let leave = call.parameter::<bool>("leave_the_gate")?.unwrap_or(false);
    if router.gates.address_list && !leave {
        return Err(Problem::with(
            Kind::Conflict,
            "its gate would go on holding every tunnel, and nobody would be left to let one through: restore it first, or say \
             leave_the_gate=true",
        ));
    }
    if api.engine.serves().contains(&router.id) {
        api.engine.release_router(router.id, call.actor("")).await?;
    }
    let audit = audited(call, "gave router", &router, " out of control");
    api.engine
        .change_desk(vec![DeskChange::RemoveRouter(router.id)], vec![audit])
        .await?;
    done()
}

async fn report(api: &Api, call: &Call, router: &Router) -> Answer {
    call.only(&["since"])?;
    let since = call
        .parameter::<i64>("since")?
        .map_or(router.since, Timestamp);
    one(StatusCode::OK, &api.desk(call).report(router, since).await?)
}

async fn hook_key(api: &Api, call: &Call, before: Router) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        key: &'a str,
    }
    let key = hook::fresh_key(&*api.entropy);
    let router = Router {
        hook_key_hash: Some(key.digest().hex().into()),
        version: before.version.saturating_add(1),
        ..before
    };
    let audit = audited(call, "made a new webhook key for router", &router, "");
    put(api, &router, audit).await?;
    api.hooks.forget().await;
    one(StatusCode::CREATED, &Shown { key: key.expose() })
}

pub(super) fn audited(call: &Call, verb: &str, router: &Router, rest: &str) -> AuditEntry {
    let said = call.audited(format!("{verb} {} ({}){rest}", router.name, router.id));
    AuditEntry {
        router: Some(router.id),
        ..said
    }
}
