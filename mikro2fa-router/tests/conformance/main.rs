//! The contract of the router port, kept by this backend over the API's and SSH's real sockets, on each version's dialect.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failure here fails its test"
)]

mod bench;
mod gate;
#[path = "../support/listed.rs"]
mod listed;
mod port;
#[path = "../support/world.rs"]
mod world;

use mikro2fa_core::{
    conformance::router_backend::{GateDamage, RouterBench as _},
    router_backend::Look,
    router_backend_conformance,
};
use mikro2fa_router::simulator::{Quirks, Version};

use crate::bench::Bench;

macro_rules! on_versions {
    ($($name:ident = $bench:expr,)*) => {$(
        mod $name {
            use super::*;

            router_backend_conformance!($bench.await);
        }
    )*};
}

on_versions! {
    api_6_49 = Bench::new(Version::V6_49),
    api_7_12 = Bench::new(Version::V7_12),
    api_7_16 = Bench::new(Version::V7_16),
    api_7_18 = Bench::new(Version::V7_18),
    api_7_20 = Bench::new(Version::V7_20),
    api_7_22 = Bench::new(Version::V7_22),
    api_tls_7_16 = Bench::over_tls(Version::V7_16),
    api_6_49_otherwise = Bench::turned(Version::V6_49, Quirks::SWITCHES),
    api_7_20_otherwise = Bench::turned(Version::V7_20, Quirks::SWITCHES),
    ssh_6_49 = Bench::over_ssh(Version::V6_49),
    ssh_7_12 = Bench::over_ssh(Version::V7_12),
    ssh_7_16 = Bench::over_ssh(Version::V7_16),
    ssh_7_20 = Bench::over_ssh(Version::V7_20),
    ssh_6_49_otherwise = Bench::otherwise_over_ssh(Version::V6_49),
    ssh_7_20_otherwise = Bench::otherwise_over_ssh(Version::V7_20),
    ssh_6_49_users = Bench::with_users_over_ssh(Version::V6_49, false),
    ssh_6_49_users_otherwise = Bench::with_users_over_ssh(Version::V6_49, true),
    ssh_7_20_users = Bench::with_users_over_ssh(Version::V7_20, false),
    api_6_49_users = Bench::with_users(Version::V6_49),
    api_7_12_users = Bench::with_users(Version::V7_12),
    api_7_16_users = Bench::with_users(Version::V7_16),
    api_7_20_users = Bench::with_users(Version::V7_20),
    api_7_22_users = Bench::with_users(Version::V7_22),
    api_6_49_users_otherwise = Bench::with_users_otherwise(Version::V6_49),
    api_7_22_users_otherwise = Bench::with_users_otherwise(Version::V7_22),
}

/// The whole suite with a switch turned, for every so-manieth of them.
async fn with_switches_turned(start: usize, version: Version) {
    for switch in Quirks::SWITCHES.iter().skip(start).step_by(4) {
        // What is told of a case that fails does not say which switch it was.
        println!("{}", switch.name);
        router_backend_conformance!(conformance_in_one, Bench::turned(version, &[*switch]).await);
    }
}

#[tokio::test]
async fn each_switch_may_be_turned_1() {
    with_switches_turned(0, Version::V7_22).await;
}

#[tokio::test]
async fn each_switch_may_be_turned_2() {
    with_switches_turned(1, Version::V6_49).await;
}

#[tokio::test]
async fn each_switch_may_be_turned_3() {
    with_switches_turned(2, Version::V7_16).await;
}

#[tokio::test]
async fn each_switch_may_be_turned_4() {
    with_switches_turned(3, Version::V7_20).await;
}

/// Where setting a profile's scripts needs more than the daily login may, a hand-over that was cleared is seen, is no reason to
/// cut anybody.
#[tokio::test]
async fn what_the_login_may_not_mend_is_still_seen() {
    let bench = Bench::turned(Version::V7_20, Quirks::SWITCHES).await;
    assert!(!bench.sets_hooks);
    bench.damage_gate(GateDamage::ClearsTheHandOver).await;
    let look = Look {
        gate: true,
        ..Default::default()
    };
    let seen = bench.backend().observe(&look).await.unwrap().gate.unwrap();
    assert!(!seen.is_whole() && seen.holds(), "{seen:?}");
}
