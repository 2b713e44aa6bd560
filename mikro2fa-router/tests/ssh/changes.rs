//! The look and the change that depends on it are one line, and what is there afterwards is read back in it.

use std::{net::Ipv4Addr, time::Duration};

use mikro2fa_core::router_backend::{Applied, Command, Part};
use mikro2fa_router::{
    Ssh,
    sentence::{Guard, Path, Sentence},
    simulator::{Dial, Version},
    transport::{Answer, End, Gate, Line, No, Transport},
};
use routeros_api::Command as ApiCommand;

use crate::world::{self, World};

const VERSIONS: [Version; 3] = [Version::V6_49, Version::V7_12, Version::V7_20];

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 77);

fn open() -> Gate {
    Box::new(|| true)
}

/// Everybody gets the same address, one after another.
async fn one_address(world: &World) {
    let administrator = world.administrator().await;
    for secret in world.sim.rows("/ppp/secret") {
        let fixed = ApiCommand::new("/ppp/secret/set")
            .attribute(".id", &secret[".id"])
            .attribute("remote-address", ADDRESS.to_string());
        administrator.call(fixed).await.unwrap();
    }
}

async fn say(line: &impl Line, sentence: Sentence) -> Answer {
    line.exchange(vec![sentence], open()).await.remove(0)
}

#[tokio::test]
async fn a_permit_is_not_given_to_whoever_has_the_address_by_now() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        one_address(&world).await;
        world.sim.dial(Dial::new("ann", "pw")).unwrap();
        assert_eq!(world.tunnels().await[0].addresses.v4, Some(ADDRESS));
        // Between the look and the permit the address changes hands.
        for tunnel in world.sim.tunnels_of("ann") {
            tunnel.hang_up();
        }
        world.sim.dial(Dial::new("eve", "pw")).unwrap();
        let outcome = world.apply_one(world.permit(1, ADDRESS, 30)).await;
        assert!(
            matches!(outcome, Applied::Refused { .. }),
            "{version}: {outcome:?}"
        );
        assert_eq!(world.permit_list(), [], "{version}");
        // Once she was looked at, it is hers that is meant.
        let look = mikro2fa_core::router_backend::Look {
            tunnels: Part::These(vec!["eve".into(), "ann".into()]),
            ..Default::default()
        };
        world.look(&look).await;
        let outcome = world.apply_one(world.permit(2, ADDRESS, 30)).await;
        assert!(
            matches!(outcome, Applied::Done { handle: Some(_) }),
            "{version}: {outcome:?}"
        );
        assert_eq!(world.permit_list().len(), 1, "{version}");
    }
}

#[tokio::test]
async fn the_slot_of_a_tunnel_that_went_is_not_cut() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        let line = Ssh::new(world::ssh_config(&world.sim))
            .connect()
            .await
            .unwrap();
        world.sim.dial(Dial::new("ann", "pw")).unwrap();
        let ann = world.tunnels().await.remove(0);
        for tunnel in world.sim.tunnels_of("ann") {
            tunnel.hang_up();
        }
        world.sim.dial(Dial::new("bob", "pw")).unwrap();
        let bob = world.tunnels().await.remove(0);
        assert_eq!(
            ann.key.handle, bob.key.handle,
            "{version}: the slot was taken"
        );
        let cut = |tunnel: &mikro2fa_core::tunnel::Tunnel| {
            let id = tunnel.key.handle.as_bytes();
            let guard = Guard::new(Path::ActivePrint, id)
                .with("name", tunnel.account.as_bytes())
                .with("session-id", tunnel.key.nonce.as_ref().unwrap().as_bytes());
            Sentence::new(Path::ActiveRemove).of([id]).guarded([guard])
        };
        let End::Refused(refused) = say(&line, cut(&ann)).await.end else {
            panic!("{version}: said to be cut");
        };
        assert_eq!(refused.kind, No::Gone, "{version}");
        assert_eq!(world.sim.tunnels_of("bob").len(), 1, "{version}");
        assert_eq!(
            say(&line, cut(&bob)).await.end,
            End::Done { ret: None },
            "{version}"
        );
        assert_eq!(world.sim.tunnels_of("bob").len(), 0, "{version}");
    }
}

/// A console says nothing about a change that found nothing to change.
#[tokio::test]
async fn what_is_not_there_is_not_said_to_be_changed() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        let line = Ssh::new(world::ssh_config(&world.sim))
            .connect()
            .await
            .unwrap();
        for sentence in [
            Sentence::new(Path::ListRemove).of(["*FFFF"]),
            Sentence::new(Path::ListSet)
                .of(["*FFFF"])
                .with("timeout", "60s"),
            Sentence::new(Path::SecretSet)
                .of(["*FFFF"])
                .with("disabled", "yes"),
            Sentence::new(Path::ActiveRemove).of(["*FFFF"]),
        ] {
            let answer = say(&line, sentence.clone()).await;
            let End::Refused(refused) = answer.end else {
                panic!("{version}: {sentence:?}: {answer:?}");
            };
            assert_eq!(refused.kind, No::Gone, "{version}: {sentence:?}");
        }
    }
}

/// Told over the console as over the API: one entry at a time, the new one before the old one goes.
#[tokio::test]
async fn the_dead_mans_switch_hears_of_us() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        // Which finds out, too, what the console does not know.
        world.backend.identify().await.unwrap();
        world.sim.clear_commands();
        let alive = || {
            let rows = world.sim.rows("/ip/firewall/address-list");
            let entries = rows
                .iter()
                .filter(|row| row["list"] == "mikro2fa-alive")
                .map(|row| (row["address"].clone(), row["timeout"].clone()));
            entries.collect::<Vec<_>>()
        };
        let mut places = Vec::new();
        for (seconds, shown) in [(600, "10m"), (86_400, "1d"), (60, "1m")] {
            let lease = world.lease(seconds);
            let outcome = world.apply_one(Command::KeepAlive { lease }).await;
            assert_eq!(outcome, world::done(), "{version}");
            let [(address, left)] = &alive()[..] else {
                panic!("{version}: {:?}", alive());
            };
            assert_eq!(left, shown, "{version}: the last word counts");
            places.push(address.clone());
        }
        assert_eq!(places, ["127.0.0.1", "127.0.0.2", "127.0.0.1"], "{version}");
        // Somebody else's entry is no word of ours, and stays.
        let theirs = ApiCommand::new("/ip/firewall/address-list/add")
            .attribute("list", "mikro2fa-alive")
            .attribute("address", "127.0.0.2")
            .attribute("timeout", "1h")
            .attribute("comment", "theirs");
        world.sim.administer(&theirs).unwrap();
        let lease = world.lease(600);
        let outcome = world.apply_one(Command::KeepAlive { lease }).await;
        assert_eq!(outcome, world::done(), "{version}");
        let mut all = alive();
        all.sort();
        let expected = [("127.0.0.1", "10m"), ("127.0.0.2", "1h")];
        assert_eq!(
            all,
            expected.map(|(at, left)| (at.to_owned(), left.to_owned()))
        );
        assert_eq!(world.sim.unknown_commands(), [], "{version}");
        world.advance(Duration::from_secs(601));
        assert_eq!(alive().len(), 1, "{version}: ours lapses by itself");
    }
}
