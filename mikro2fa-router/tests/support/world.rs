//! A simulated router, a backend for it, and a clock that both run on.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test file uses some of it; a failure here fails its test"
)]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    desk::{ListNames, RouterConnection, TransportKind},
    id::{InstallationId, NodeId, RouterId, SessionId},
    router_backend::{
        Applied, Command, Fence, Lease, Look, Observed, Part, PermitTag, Prefix, RouterBackend,
    },
    secret::Secret,
    testing::ManualClock,
    time::{Clock, Timestamp},
    tunnel::{Text, Tunnel},
};
use mikro2fa_router::{
    Api, ApiConfig, RouterOs, Settings, Ssh, SshConfig,
    budget::Limits,
    config::Security,
    simulator::{PreparedNames, SimClock, Simulator, SimulatorBuilder},
    transport::Transport,
};
use uuid::Uuid;

#[path = "tls.rs"]
pub(crate) mod tls;

/// When every test begins.
pub(crate) const NOW: Timestamp = Timestamp(1_763_000_000_000);

pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) backend: Arc<dyn RouterBackend>,
}

/// A prepared router with three accounts.
pub(crate) fn office() -> SimulatorBuilder {
    Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "pw")
        .account("bob", "pw")
        .account("eve", "pw")
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(office()).await
    }

    pub(crate) async fn of(builder: SimulatorBuilder) -> Self {
        Self::with(builder, |_| ()).await
    }

    /// Over TLS with a pinned certificate.
    pub(crate) async fn over_tls(builder: SimulatorBuilder) -> Self {
        let mut world = Self::of(builder.api_tls(0)).await;
        let mut config = ApiConfig::of(&connection(&world.sim)).unwrap();
        config.port = world.sim.api_tls_address().unwrap().port();
        config.security = Security::Pinned(vec![world.sim.fingerprint().unwrap()]);
        world.backend = backend(Api::new(config), &world.clock);
        world
    }

    /// Over SSH with a pinned host key.
    pub(crate) async fn over_ssh(builder: SimulatorBuilder) -> Self {
        // What is said is tried here. The algorithms of version 6, which need `ssh_legacy`, are tried elsewhere.
        let builder = builder.quirks(|quirks| quirks.ssh_modern = Some(true));
        let builder = builder.ssh_setting("host-key-type", "ed25519").ssh(0);
        let mut world = Self::of(builder).await;
        world.backend = backend(Ssh::new(ssh_config(&world.sim)), &world.clock);
        world
    }

    pub(crate) async fn with(
        builder: SimulatorBuilder,
        change: impl FnOnce(&mut ApiConfig),
    ) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let time = Arc::clone(&clock);
        let sim_clock = SimClock::external(move || time.now().since(NOW));
        let sim = builder.clock(sim_clock).start().await.unwrap();
        let mut config = ApiConfig::of(&connection(&sim)).unwrap();
        change(&mut config);
        Self {
            backend: backend(Api::new(config), &clock),
            sim,
            clock,
        }
    }

    /// Another backend for the same router, which gives up on an answer after a moment of real time. Only for commands
    /// that are never answered: others could take as long on a busy machine.
    pub(crate) fn hasty(&self) -> Arc<dyn RouterBackend> {
        let mut config = ApiConfig::of(&connection(&self.sim)).unwrap();
        config.deadlines.answer = Duration::from_millis(200);
        backend(Api::new(config), &self.clock)
    }

    /// Another backend for the same router, over the API in the clear.
    pub(crate) fn api(&self) -> Arc<dyn RouterBackend> {
        let config = ApiConfig::of(&connection(&self.sim)).unwrap();
        backend(Api::new(config), &self.clock)
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance_to(self.clock.now() + by);
        self.sim.clock().moved();
    }

    pub(crate) fn fence(&self) -> Fence {
        Fence {
            router: router(),
            node: NodeId::from_uuid(Uuid::from_u128(2)),
            epoch: 3,
            until: Timestamp::MAX,
        }
    }

    pub(crate) async fn apply(&self, commands: &[Command]) -> Vec<Applied> {
        self.backend.apply(&self.fence(), commands).await.unwrap()
    }

    pub(crate) async fn apply_one(&self, command: Command) -> Applied {
        let outcomes = self.apply(&[command]).await;
        outcomes.into_iter().next().unwrap()
    }

    pub(crate) async fn look(&self, look: &Look) -> Observed {
        self.backend.observe(look).await.unwrap()
    }

    pub(crate) async fn tunnels(&self) -> Vec<Tunnel> {
        let seen = self.look(&all_tunnels()).await.tunnels;
        seen.expect("a complete look").rows
    }

    pub(crate) fn permit(&self, session: u128, address: Ipv4Addr, seconds: u64) -> Command {
        Command::Permit {
            session: self::session(session),
            address: Prefix::host(address.into()),
            lease: self.lease(seconds),
        }
    }

    pub(crate) fn lease(&self, seconds: u64) -> Lease {
        let most = Duration::from_secs(seconds);
        Lease::new(most, Timestamp::MAX, self.clock.now()).unwrap()
    }

    /// The permit list as it stands on the router: (address, comment, time-out).
    pub(crate) fn permit_list(&self) -> Vec<(String, String, String)> {
        let rows = self.sim.rows("/ip/firewall/address-list");
        let ours = rows
            .into_iter()
            .filter(|row| row["list"] == "mikro2fa-permit");
        let property = |row: &std::collections::BTreeMap<String, String>, name: &str| {
            row.get(name).cloned().unwrap_or_default()
        };
        ours.map(|row| {
            (
                property(&row, "address"),
                property(&row, "comment"),
                property(&row, "timeout"),
            )
        })
        .collect()
    }

    /// The commands that the backend sent since the last call, without their menus' long names.
    pub(crate) fn sent(&self) -> Vec<String> {
        let sent = self.sim.commands().into_iter().map(|it| it.command);
        let sent = sent.filter(|it| it != "/login").collect();
        self.sim.clear_commands();
        sent
    }

    /// Another client of the same router, with all rights.
    pub(crate) async fn administrator(&self) -> routeros_api::Client {
        let options = routeros_api::Options::new(
            self.sim.api_address().to_string(),
            "admin",
            self.sim.admin_password(),
        );
        routeros_api::Client::connect(&options).await.unwrap()
    }
}

/// A backend for whatever listens there, which waits so long for an answer.
pub(crate) fn backend_at(
    address: SocketAddr,
    answer: Duration,
    clock: &Arc<ManualClock>,
) -> Arc<dyn RouterBackend> {
    let mut config = ApiConfig::of(&RouterConnection {
        host: address.ip().to_string().into(),
        port: address.port(),
        transport: TransportKind::Api,
        user: "mikro2fa".into(),
        password: Secret::new("pw"),
        pins: Vec::new(),
    })
    .unwrap();
    config.deadlines.answer = answer;
    backend(Api::new(config), clock)
}

fn backend<T: Transport>(transport: T, clock: &Arc<ManualClock>) -> Arc<dyn RouterBackend> {
    // A budget that is never used up: real time passes for nothing else here, and the tests of the budget turn its clock.
    let budget = Limits {
        requests: u32::MAX,
        bytes: u64::MAX / 100,
        ..Limits::default()
    };
    Arc::new(RouterOs::new(
        transport,
        router(),
        ListNames::default(),
        installation(),
        Arc::clone(clock) as Arc<dyn Clock>,
        Settings { budget },
    ))
}

pub(crate) fn connection(sim: &Simulator) -> RouterConnection {
    RouterConnection {
        host: sim.api_address().ip().to_string().into(),
        port: sim.api_address().port(),
        transport: TransportKind::Api,
        user: sim.names().user.as_str().into(),
        password: Secret::new(sim.daily_password()),
        pins: Vec::new(),
    }
}

/// How the daily user reaches it over SSH.
pub(crate) fn ssh_config(sim: &Simulator) -> SshConfig {
    let fingerprint: russh::keys::ssh_key::Fingerprint =
        sim.host_fingerprint().unwrap().parse().unwrap();
    let pin: [u8; 32] = fingerprint.as_bytes().try_into().unwrap();
    let mut config = SshConfig::of(&RouterConnection {
        port: sim.ssh_address().unwrap().port(),
        transport: TransportKind::Ssh,
        ..connection(sim)
    })
    .unwrap();
    config.pins = vec![pin.into()];
    // Unoptimised key exchanges of hundreds of tests at a time can take longer than a router's, and what waits behind them too.
    let patience = Duration::from_secs(60);
    config.deadlines.connect = patience;
    config.deadlines.handshake = patience;
    config.deadlines.login = patience;
    config.deadlines.answer = patience;
    config
}

pub(crate) fn router() -> RouterId {
    RouterId::from_uuid(Uuid::from_u128(1))
}

pub(crate) fn installation() -> InstallationId {
    InstallationId::from_uuid(Uuid::from_u128(0xABCD_EF01 << 96))
}

pub(crate) fn session(of: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(of))
}

pub(crate) fn all_tunnels() -> Look {
    Look {
        tunnels: Part::All,
        ..Look::default()
    }
}

pub(crate) fn all_permits() -> Look {
    Look {
        permits: Part::All,
        ..Look::default()
    }
}

pub(crate) fn revoke(session: u128, address: Ipv4Addr, known: Option<Text>) -> Command {
    Command::Revoke {
        session: self::session(session),
        address: Prefix::host(address.into()),
        known,
    }
}

pub(crate) fn cut(tunnel: &Tunnel) -> Command {
    Command::CutTunnel {
        key: tunnel.key.clone(),
        account: tunnel.account.clone(),
    }
}

pub(crate) fn handle(applied: &Applied) -> Text {
    match applied {
        Applied::Done {
            handle: Some(handle),
        } => handle.clone(),
        other => panic!("nothing was made: {other:?}"),
    }
}

pub(crate) fn reason(applied: &Applied) -> &str {
    match applied {
        Applied::Refused { reason, .. } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) const fn done() -> Applied {
    Applied::Done { handle: None }
}

pub(crate) fn ours(session: u128) -> PermitTag {
    PermitTag::Ours {
        session: self::session(session),
        epoch: 3,
    }
}
