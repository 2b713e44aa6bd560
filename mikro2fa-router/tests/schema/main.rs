//! Every sentence that the backend can send, against the command trees of the versions it supports.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

mod prepared;
mod said;
mod trees;
#[path = "../support/world.rs"]
mod world;

use std::collections::BTreeSet;

use mikro2fa_router::{
    sentence::{Path, Sentence},
    simulator::{Dial, HotspotLogin, Version},
};
use routeros_api::Command as ApiCommand;

use crate::{
    prepared::prepared_and_restored,
    said::{SET_UP, every_sentence, looks, orders},
    trees::{SCHEMAS, Schemas, Use, check, used_by},
    world::{World, office},
};

#[tokio::test]
async fn every_sentence_is_known_to_every_version() {
    let sentences = every_sentence().await;
    let prepared = prepared_and_restored(Version::V7_16).await;
    let said = sentences.iter().chain(&prepared);
    let said: BTreeSet<Path> = said.map(Sentence::path).collect();
    let all: BTreeSet<Path> = Path::ALL.iter().copied().collect();
    assert_eq!(said, all, "each command is said at least once here");
    check(&Schemas::load(), sentences.iter().map(used_by));
}

#[tokio::test]
async fn what_prepares_and_restores_a_router_is_known_to_its_version() {
    let schemas = Schemas::load();
    let mut problems = BTreeSet::new();
    for (version, _) in SCHEMAS {
        let said = prepared_and_restored(version.parse().unwrap()).await;
        for sentence in &said {
            problems.extend(schemas.problems(version, &used_by(sentence)));
        }
    }
    assert_eq!(problems, BTreeSet::new());
}

#[tokio::test]
async fn what_is_on_the_wire_is_known_to_every_version() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let office = office().user_manager_account("uma", "pw").version(version);
        let office = office.quirks(|quirks| quirks.incoming_port = 3799);
        let world = World::of(office).await;
        let administrator = world.administrator().await;
        for sentence in SET_UP {
            let mut words = sentence.split(' ');
            let command = ApiCommand::new(words.next().unwrap());
            // What the other version's User Manager has, this one's has not.
            let _ = administrator
                .call(words.fold(command, |it, word| it.word(word)))
                .await;
        }
        drop(administrator);
        world
            .sim
            .hotspot_login(HotspotLogin::new("ann", "pw"))
            .unwrap();
        world.sim.dial(Dial::new("uma", "pw")).unwrap();
        world.sim.clear_commands();
        check_what_is_said(&world).await;
        let users = if version.major == 6 {
            "/tool/user-manager"
        } else {
            "/user-manager"
        };
        for command in ["/user/print", "/session/close-session"] {
            let command = format!("{users}{command}");
            assert!(
                world.sim.commands_seen().contains_key(&command),
                "{command} of {version}"
            );
        }
    }
}

/// Over SSH the same sentences are scripts: of `find`, `get` and the same changes, with the same names in them.
#[tokio::test]
async fn what_is_on_a_console_line_is_known_to_every_version() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_22,
    ] {
        let world = World::over_ssh(office().version(version)).await;
        // Which finds out, too, what the console does not know.
        world.backend.identify().await.unwrap();
        world.sim.clear_commands();
        check_what_is_said(&world).await;
        // Which menus are one record in this version is found out by asking: until 7.16 this is one.
        let is_asked = |what: &str| {
            !version.at_least(7, 17) && what.contains("/interface ovpn-server server find")
        };
        let mut unknown = world.sim.unknown_commands();
        unknown.retain(|unknown| !is_asked(&unknown.what));
        assert_eq!(unknown, [], "{version}");
        let seen = world.sim.commands_seen();
        for said in [
            "/ppp/active/find",
            "/ppp/secret/get",
            "/ip/firewall/address-list/add",
        ] {
            assert!(seen.contains_key(said), "{version}: {said}");
        }
    }
}

async fn check_what_is_said(world: &World) {
    world.backend.identify().await.unwrap();
    for look in looks() {
        world.look(&look).await;
    }
    for _ in 0..2 {
        world.apply(&orders("elsewhere")).await;
    }
    let seen = world.sim.commands_seen();
    // A console's line is `:`, and what it says is written down beside it.
    // One record until 7.16 and a table since: a console line has the form that was found out by asking.
    let by_form = [
        "/interface/ovpn-server/server/find",
        "/interface/ovpn-server/server/get",
    ];
    let said = |command: &str| {
        command.starts_with('/') && command != "/login" && !by_form.contains(&command)
    };
    let uses = seen.iter().filter(|(command, _)| said(command));
    let uses = uses.map(|(command, seen)| Use {
        command,
        attributes: seen.attributes.iter().map(String::as_str).collect(),
        properties: (seen.proplist.iter().chain(&seen.queries))
            .map(String::as_str)
            .collect(),
    });
    check(&Schemas::load(), uses);
    let unknown = world.sim.commands().into_iter().filter(|it| {
        let trap = it.trap.as_deref().unwrap_or_default();
        trap.contains("unknown parameter") || trap.contains("value of")
    });
    assert_eq!(unknown.collect::<Vec<_>>(), []);
}

#[test]
fn what_no_version_has_is_found_out() {
    let schemas = Schemas::load();
    let problems = |command, attributes: &[&'static str], properties: &[&'static str]| {
        let used = Use {
            command,
            attributes: attributes.iter().copied().collect(),
            properties: properties.iter().copied().collect(),
        };
        schemas.problems("7.16.2", &used).len()
    };
    assert_eq!(problems("/ppp/secret/print", &["count-only"], &["name"]), 0);
    assert_eq!(problems("/ppp/secrets/print", &[], &[]), 1);
    let sixs = "/tool/user-manager/user/print";
    assert_eq!(problems(sixs, &[], &["username", "name"]), 0);
    assert_eq!(problems(sixs, &[], &["group"]), 1);
    assert_eq!(problems("/tool/user-manager/users/print", &[], &[]), 1);
    assert_eq!(problems("/ppp/secret/prints", &[], &[]), 1);
    assert_eq!(problems("/ppp/secret/set", &[".id", "disable"], &[]), 1);
    assert_eq!(problems("/ppp/secret/set", &["disabled"], &[]), 1);
    assert_eq!(
        problems("/ppp/active/print", &[], &["caller-id", "caller"]),
        1
    );
}
