//! `/api/routers`: RouterOS devices under control. Passwords and keys go in, and never come out again.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use mikro2fa_core::{
    audit::AuditEntry,
    desk::{
        Account, Gates, Mode, NameMatching, Router, RouterConnection, Source, SourceKind,
        TransportKind,
    },
    directory::{DeskChange, Page},
    id::{RouterId, SourceId, UserId},
    policy::{Adopt, PolicyOverride, Unowned},
    secret::Secret,
    time::Timestamp,
    tunnel::Text,
};
use mikro2fa_router::{gate::GateNames, ssh::Login};
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, done, id, one, rows},
    hook,
    input::{self, Name},
    preparing, rules,
};
use crate::{
    desk::{NewAccount, Owners, weakenings},
    error::{Kind, Problem},
};

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
            Method::GET => logins(&api, &call, &find(&api, router).await?).await,
            Method::POST => make_login(&api, &call, &find(&api, router).await?).await,
            _ => call.no_such_method(),
        },
        [router, "import"] if call.method == Method::POST => {
            import(&api, &call, &find(&api, router).await?).await
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
        [router, "check"] if call.method == Method::GET => check(&api, &call, router).await,
        [router, "status"] if call.method == Method::GET => status(&api, &call, router).await,
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

/// A router as callers see it.
#[derive(Serialize)]
struct RouterView {
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
    policy: PolicyOverride,
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
async fn view(api: &Api, router: Router) -> Result<RouterView, Problem> {
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
async fn check(api: &Api, call: &Call, router: &str) -> Answer {
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

async fn status(api: &Api, call: &Call, router: &str) -> Answer {
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
    policy: PolicyOverride,
    /// Kept although it does not answer now.
    #[serde(default)]
    unchecked: bool,
}

const fn yes() -> bool {
    true
}

/// A host name or an address.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Host(pub(crate) Text);

impl TryFrom<String> for Host {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b".-:_".contains(&byte);
        if (1..=253).contains(&text.len()) && text.bytes().all(sign) {
            Ok(Self(text.into()))
        } else {
            Err("a host is a name or an address, without a port")
        }
    }
}

/// Never 0.
#[derive(Deserialize)]
#[serde(transparent)]
struct Port(std::num::NonZeroU16);

/// Up to 128 characters, on one line.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Password(Secret);

impl TryFrom<String> for Password {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().count() <= 128 && !text.contains(char::is_control) {
            Ok(Self(Secret::new(text)))
        } else {
            Err("a password has at most 128 characters, on one line")
        }
    }
}

/// A private key for SSH, in OpenSSH's form or PEM.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct PrivateKey(Secret);

impl TryFrom<String> for PrivateKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        let is_key = text.starts_with("-----BEGIN ")
            && text.ends_with("-----")
            && text.contains("\n-----END ")
            && text.contains("PRIVATE KEY-----");
        if is_key && text.len() <= 16 << 10 && text.is_ascii() {
            Ok(Self(Secret::new(format!("{text}\n"))))
        } else {
            Err("a key is a private one, with its lines from -----BEGIN to -----END")
        }
    }
}

/// What a login is proved by, as the desk keeps it; none if nothing was said about it.
fn proof(
    transport: TransportKind,
    password: Option<Password>,
    key: Option<PrivateKey>,
    passphrase: Option<Password>,
) -> Result<Option<Secret>, Problem> {
    let wrong = |detail| Err(Problem::with(Kind::Invalid, detail));
    match (password, key, passphrase) {
        (Some(_), Some(_), _) => wrong("password: give it or a key, not both"),
        (_, None, Some(_)) => wrong("passphrase: there is no key that it belongs to"),
        (None, Some(_), _) if !is_ssh(transport) => wrong("key: only over SSH"),
        (None, Some(key), passphrase) => Ok(Some(
            Login::Key {
                key: key.0,
                passphrase: passphrase.map(|passphrase| passphrase.0),
            }
            .secret(),
        )),
        (Some(password), None, None) => Ok(Some(password.0)),
        (None, None, None) => Ok(None),
    }
}

const fn is_ssh(transport: TransportKind) -> bool {
    matches!(transport, TransportKind::Ssh | TransportKind::SshLegacy)
}

/// A SHA-256 fingerprint, as hexadecimal digits or as OpenSSH shows it; kept in lower-case hex without colons.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pin(pub(crate) Text);

impl TryFrom<String> for Pin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = match text.strip_prefix("SHA256:") {
            Some(base64) => hex_of(base64).unwrap_or_default(),
            None => text.replace(':', "").to_ascii_lowercase(),
        };
        if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(digits.into()))
        } else {
            Err(
                "a pin is a SHA-256 fingerprint: 64 hexadecimal digits, with or without colons, or SHA256:… as OpenSSH \
                 shows it",
            )
        }
    }
}

fn hex_of(base64: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(base64.trim_end_matches('=')).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Seconds between looks: 1 to 3600; 15 where nothing is said.
#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct PollInterval(u32);

impl Default for PollInterval {
    fn default() -> Self {
        Self(15)
    }
}

impl TryFrom<u32> for PollInterval {
    type Error = &'static str;

    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        if (1..=3600).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err("poll_interval is 1 to 3600 seconds")
        }
    }
}

/// What RouterOS listens on unless it was told otherwise (MikroTik manual, Services).
pub(crate) const fn usual_port(transport: TransportKind) -> u16 {
    match transport {
        TransportKind::Api => 8728,
        TransportKind::ApiTls => 8729,
        TransportKind::Ssh | TransportKind::SshLegacy => 22,
    }
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
    policy: Option<PolicyOverride>,
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
        api.desk(call).is_prepared(&router, &api.clock).await?;
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

async fn logins(api: &Api, call: &Call, router: &Router) -> Answer {
    call.only(&[])?;
    let rows = api.desk(call).logins(router).await?;
    self::rows(Page { rows, next: None }, |login| login)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLogin {
    name: Name,
    owner: Option<UserId>,
    profile: Option<Name>,
    service: Option<Name>,
    address: Option<std::net::Ipv4Addr>,
}

/// The password is in this answer, and nowhere else.
async fn make_login(api: &Api, call: &Call, router: &Router) -> Answer {
    #[derive(Serialize)]
    struct Shown<'a> {
        account: &'a Account,
        password: &'a str,
    }
    let new: NewLogin = call.json()?;
    let owner = match new.owner {
        Some(owner) => Some(
            api.directory
                .user(owner)
                .await?
                .ok_or_else(|| Problem::with(Kind::Invalid, "owner: there is no such user"))?,
        ),
        None => None,
    };
    let login = NewAccount {
        name: new.name.0,
        profile: new.profile.map(|profile| profile.0),
        service: new.service.map(|service| service.0),
        address: new.address.map(|address| address.to_string().into()),
    };
    let created = api.desk(call).create(router, login, owner.as_ref()).await?;
    one(
        StatusCode::CREATED,
        &Shown {
            account: &created.account,
            password: created.password.expose(),
        },
    )
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    #[serde(default)]
    only: Vec<Text>,
    #[serde(default)]
    owners: Owners,
}

async fn import(api: &Api, call: &Call, router: &Router) -> Answer {
    let Import { only, owners } = call.json_or_default()?;
    let rows = api.desk(call).import(router, &only, &owners).await?;
    self::rows(Page { rows, next: None }, |account| account)
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
