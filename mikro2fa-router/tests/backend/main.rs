//! The backend against the simulated router, over its real socket: what it costs, and what goes wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here fails its test"
)]

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use futures_util::StreamExt as _;
use mikro2fa_core::{
    desk::{SourceKind, TransportKind},
    router_backend::{Applied, Command, Hint, Look, Part, PermitTag, Prefix, RouterError},
    tunnel::{Same, Service},
};
use mikro2fa_router::{
    probe,
    simulator::{Dial, Fault, Flow, On, Reachability, SeenCommand, Simulator, Then, Version},
};
use routeros_api::Command as ApiCommand;

mod cost;
mod faults;
mod gate;
mod hostile;
mod logins;
mod looks;
mod orders;
#[path = "../support/world.rs"]
mod world;

use world::{
    World, all_permits, all_tunnels, connection, cut, done, handle, office, ours, reason, revoke,
    session,
};

const ANNS: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);
