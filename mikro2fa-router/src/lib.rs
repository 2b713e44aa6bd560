//! RouterOS as mikro2fa sees it: [`RouterOs`], one router behind the port
//! [`RouterBackend`]; and a RouterOS simulator that any client may talk to.
//!
//! # The mental model
//!
//! A router is looked at and told. A *look* ([`RouterBackend::observe`]) asks for what it names, in one go, and says of
//! each part whether it was seen whole. *Orders* ([`RouterBackend::apply`]) are idempotent, run side by side, and each
//! has an outcome, of which *unknown* is one. In between stand three layers:
//!
//! ```text
//! backend    RouterOs<T>: one connection, budget, deadlines, what is remembered while it lasts
//!   |          observe, apply: pure; looks and orders become sentences, answers become rows and outcomes
//! transport  Transport, Line: sentences in, rows out; nothing of what they mean
//!   |          api: over routeros-api, plain or TLS with pinned certificates
//!   |          ssh: over libssh2, with pinned host keys; sentences become console lines
//! router
//! ```
//!
//! [`sentence::Path`] is the closed list of all commands that can be sent.
//!
//! # Example
//!
//! Against the simulator, whose API port is as real as any:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use mikro2fa_core::{
//!     id::{InstallationId, NodeId, SessionId},
//!     router_backend::{Applied, Command, Fence, Lease, Look, Prefix},
//!     secret::Secret,
//!     testing::{Desk, ManualClock},
//!     time::Timestamp,
//! };
//! use mikro2fa_router::{
//!     backend_for,
//!     simulator::{Dial, Flow, PreparedNames, Simulator},
//! };
//! # use uuid::Uuid;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Simulator::builder().prepared(PreparedNames::default()).account("ann", "pw").start().await?;
//! let line = sim.dial(Dial::new("ann", "pw"))?;
//! let to_the_office = Flow::between(&line, [192, 168, 88, 10]);
//! assert!(sim.would_pass(&to_the_office).is_dropped());
//!
//! let now = Timestamp(1_763_000_000_000);
//! let mut desk = Desk::new(now);
//! let id = desk.router("office");
//! let router = desk.router_mut(id);
//! router.connection.port = sim.api_address().port();
//! router.connection.password = Secret::new(sim.daily_password());
//! # let installation = InstallationId::from_uuid(Uuid::from_u128(1));
//! let backend = backend_for(router, installation, Arc::new(ManualClock::new(now)))?;
//!
//! // Look, ...
//! let seen = backend.observe(&Look::complete()).await?;
//! let tunnels = seen.tunnels.ok_or("a whole look")?.rows;
//! assert_eq!(&*tunnels[0].account, "ann");
//!
//! // ... and let the tunnel through for ten minutes.
//! # let (node, session) = (NodeId::from_uuid(Uuid::from_u128(2)), SessionId::from_uuid(Uuid::from_u128(3)));
//! let fence = Fence { router: id, node, epoch: 1, until: Timestamp::MAX };
//! let address = tunnels[0].addresses.v4.ok_or("an address")?;
//! let permit = Command::Permit {
//!     session,
//!     address: Prefix::host(address.into()),
//!     lease: Lease::new(Duration::from_secs(600), Timestamp::MAX, now).ok_or("a second at least")?,
//! };
//! let outcomes = backend.apply(&fence, &[permit]).await?;
//! assert!(matches!(outcomes[0], Applied::Done { handle: Some(_) }));
//! assert!(sim.would_pass(&to_the_office).passes());
//! # Ok(())
//! # }
//! ```
//!
//! # What may surprise
//!
//! * A handle such as `41a7c3f80:*1F` is an id with the connection it was learnt on. On another connection it is not
//!   trusted, but looked up again: after a reboot `*1F` is somebody else's row.
//! * Text that is not UTF-8 never fails a look, and never makes one name of two: its bytes are carried as characters of
//!   a private range, and become the same bytes again when the name is sent back.
//! * Deadlines and pauses are real time; leases, fences and the instants of looks are the [`Clock`]'s.

use std::sync::Arc;

use mikro2fa_core::{
    desk::{Router, RouterConnection, TransportKind},
    id::InstallationId,
    router_backend::{Identity, RouterBackend, RouterError},
    time::Clock,
};

mod address_list;
pub mod api;
mod apply;
pub mod backend;
pub mod budget;
pub mod check;
pub mod config;
pub mod console;
pub mod duration;
pub mod error;
pub mod firewall;
pub mod gate;
mod handle;
pub mod identify;
mod inspect;
mod jumps;
pub mod logins;
mod observe;
mod ppp;
mod prefix;
pub mod prepare;
pub mod restore;
mod roll;
mod row;
mod rule;
#[cfg(test)]
mod scripted;
pub mod sentence;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod ssh;
pub mod survey;
mod tag;
mod text;
pub mod transport;
mod user_manager;

#[cfg(feature = "ssh")]
pub use crate::ssh::{Ssh, SshConfig};
use crate::transport::{Line, Transport};
pub use crate::{
    api::Api,
    backend::RouterOs,
    config::{ApiConfig, Settings},
    error::Error,
};

/// The backend for a router as the desk keeps it. Does not connect yet: the first question does.
///
/// # Errors
///
/// [`RouterError::WrongIdentity`] if a pin is none, or TLS has none; [`RouterError::Unsupported`] for a transport that
/// this build does not have.
pub fn backend_for(
    router: &Router,
    installation: InstallationId,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn RouterBackend>, RouterError> {
    match router.connection.transport {
        TransportKind::Api | TransportKind::ApiTls => {
            let api = Api::new(ApiConfig::of(&router.connection)?);
            Ok(backend_over(api, router, installation, clock))
        }
        #[cfg(feature = "ssh")]
        TransportKind::Ssh | TransportKind::SshLegacy => {
            let ssh = Ssh::new(SshConfig::of(&router.connection)?);
            Ok(backend_over(ssh, router, installation, clock))
        }
        #[cfg(not(feature = "ssh"))]
        TransportKind::Ssh | TransportKind::SshLegacy => Err(NO_SSH.into()),
    }
}

fn backend_over<T: Transport>(
    transport: T,
    router: &Router,
    installation: InstallationId,
    clock: Arc<dyn Clock>,
) -> Arc<dyn RouterBackend> {
    Arc::new(RouterOs::new(
        transport,
        router.id,
        (*router.gates.lists).clone(),
        installation,
        clock,
        Settings::default(),
    ))
}

#[cfg(not(feature = "ssh"))]
const NO_SSH: Error = Error::Unsupported("this program was built without SSH");

/// Connects and logs in, for what is no order of the engine: preparing, checking, restoring.
///
/// # Errors
///
/// [`RouterError`] naming what has to be looked at.
pub async fn connect(connection: &RouterConnection) -> Result<Box<dyn Line>, RouterError> {
    match connection.transport {
        TransportKind::Api | TransportKind::ApiTls => {
            let line = Api::new(ApiConfig::of(connection)?).connect().await?;
            Ok(Box::new(line))
        }
        #[cfg(feature = "ssh")]
        TransportKind::Ssh | TransportKind::SshLegacy => {
            let line = Ssh::new(SshConfig::of(connection)?).connect().await?;
            Ok(Box::new(line))
        }
        #[cfg(not(feature = "ssh"))]
        TransportKind::Ssh | TransportKind::SshLegacy => Err(NO_SSH.into()),
    }
}

/// Connects once, logs in, and says what is there: for onboarding, before a router is kept.
///
/// # Errors
///
/// [`RouterError`] naming what has to be looked at. With TLS or SSH and no pin, [`RouterError::WrongIdentity`] shows the
/// fingerprint of the certificate or host key that the router presents, to be compared and pinned; neither name nor
/// password was sent to it.
pub async fn probe(connection: &RouterConnection) -> Result<Identity, RouterError> {
    match connection.transport {
        TransportKind::Api | TransportKind::ApiTls => probe_api(connection).await,
        #[cfg(feature = "ssh")]
        TransportKind::Ssh | TransportKind::SshLegacy => {
            identify::over(&Ssh::new(SshConfig::of(connection)?)).await
        }
        #[cfg(not(feature = "ssh"))]
        TransportKind::Ssh | TransportKind::SshLegacy => Err(NO_SSH.into()),
    }
}

async fn probe_api(connection: &RouterConnection) -> Result<Identity, RouterError> {
    let config = match ApiConfig::of(connection) {
        Err(Error::NothingPinned { .. }) if connection.transport == TransportKind::ApiTls => {
            let presented = api::presented_fingerprint(connection).await?;
            return Err(Error::NothingPinned { presented }.into());
        }
        config => config?,
    };
    identify::over(&Api::new(config)).await
}
