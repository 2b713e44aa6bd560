//! Which router it is played on, and what is ours there.

use std::{env, sync::Arc};

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
};
use mikro2fa_router::simulator::Simulator;
use routeros_api::{Client, Options, tls::Tls};
use uuid::Uuid;

/// How to reach the router, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) connection: RouterConnection,
}

impl Target {
    /// As the environment names it; none if it names no router.
    pub(crate) fn from_environment() -> Option<Self> {
        let value = |name: &str| {
            let value = env::var(format!("MIKRO2FA_REAL_ROUTER{name}"));
            value.ok().filter(|value| !value.is_empty())
        };
        let host = value("")?;
        let transport = match value("_TRANSPORT").as_deref() {
            None | Some("api-tls") => TransportKind::ApiTls,
            Some("api") => TransportKind::Api,
            Some(other) => panic!("MIKRO2FA_REAL_ROUTER_TRANSPORT is {other}: say api or api-tls"),
        };
        let usual = if transport == TransportKind::Api {
            8728
        } else {
            8729
        };
        let port = value("_PORT").map_or(usual, |port| {
            port.parse().expect("MIKRO2FA_REAL_ROUTER_PORT is a port")
        });
        let pins = value("_PINS").unwrap_or_default();
        let pins = pins.split(',').filter(|pin| !pin.is_empty());
        Some(Self {
            connection: RouterConnection {
                host: host.into(),
                port,
                transport,
                user: value("_USER")
                    .expect("MIKRO2FA_REAL_ROUTER_USER is needed")
                    .into(),
                password: Secret::new(value("_PASSWORD").unwrap_or_default()),
                pins: pins.map(Into::into).collect(),
            },
        })
    }

    pub(crate) fn of(sim: &Simulator) -> Self {
        Self {
            connection: RouterConnection {
                host: sim.api_address().ip().to_string().into(),
                port: sim.api_address().port(),
                transport: TransportKind::Api,
                user: "tester".into(),
                password: Secret::new("pw"),
                pins: Vec::new(),
            },
        }
    }

    /// A connection for what the administrator does.
    pub(crate) async fn hand(&self) -> Client {
        let it = &self.connection;
        let host = if it.host.contains(':') {
            format!("[{}]", it.host)
        } else {
            it.host.to_string()
        };
        let mut options = Options::new(
            format!("{host}:{}", it.port),
            &*it.user,
            it.password.expose(),
        );
        if it.transport == TransportKind::ApiTls {
            let pins = it
                .pins
                .iter()
                .map(|pin| pin.parse().expect("a fingerprint"));
            options = options.tls(Tls::pinned(pins).expect("MIKRO2FA_REAL_ROUTER_PINS"));
        }
        Client::connect(&options).await.unwrap()
    }
}

/// What is ours on the router ends in this, or is on a list or in a chain of this name. It differs from run to run.
#[derive(Clone)]
pub(crate) struct Tag(pub(crate) Arc<str>);

impl Tag {
    pub(crate) fn new() -> Self {
        let random = Uuid::new_v4().simple().to_string();
        Self(format!("m2t-{}", &random[..12]).into())
    }

    pub(crate) fn on(&self, name: &str) -> String {
        format!("{name} {}", self.0)
    }

    pub(crate) fn off<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_suffix(&*self.0)?.strip_suffix(' ')
    }

    pub(crate) fn list(&self, which: &str) -> String {
        format!("{}-{which}", self.0)
    }
}
