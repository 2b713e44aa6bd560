//! Names that would be commands if a value could become one: each ends on the console interpreter of a simulated router.

use std::collections::BTreeSet;

use mikro2fa_core::{
    desk::SourceKind,
    router_backend::{AccountRow, Applied, Command, Look, Part},
};
use mikro2fa_router::{
    Ssh,
    sentence::{Path, Sentence},
    simulator::{Simulator, Version},
    transport::{End, Gate, Line, Transport},
};
use routeros_api::Command as ApiCommand;

use crate::world::{self, World};

const VERSIONS: [Version; 4] = [
    Version::V6_49,
    Version::V7_12,
    Version::V7_16,
    Version::V7_20,
];

const NAMES: [&[u8]; 30] = [
    b"\"]; /system reset-configuration; [\"",
    b"\"; /user add name=evil group=full; :put \"",
    b"$[/system reboot]",
    b"$(/system reboot)",
    b"[/ip firewall filter remove [find]]",
    b"[:error x]",
    b"$name",
    b"$i",
    b"a\"b",
    b"a\\",
    b"\\\"",
    b"\\22",
    b"a\nb",
    b"a\r\n/system reboot\r\n",
    b"; /system reboot",
    b"}; /system reboot; {",
    b"{",
    b"(",
    b"# all that follows",
    b"?",
    b"x disabled=yes",
    b"a\tb\x1B[31m\x07",
    "Анна Ивановна".as_bytes(),
    b"\xC0\xED\xED\xE0",
    b"\xFF\xFE\x80",
    b"*1",
    b"true",
    b"00123",
    b"1d",
    b"10.8.0.4",
];

fn open() -> Gate {
    Box::new(|| true)
}

/// What was done over SSH, but for looking.
fn changes(sim: &Simulator) -> BTreeSet<String> {
    let looks = |command: &str| {
        ["find", "get", "print", "listen"]
            .iter()
            .any(|verb| command.ends_with(&format!("/{verb}")))
    };
    let said = sim.commands().into_iter().map(|it| it.command);
    said.filter(|it| it != "/login" && !looks(it)).collect()
}

#[tokio::test]
async fn a_value_arrives_as_that_value_and_as_nothing_else() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        let line = Ssh::new(world::ssh_config(&world.sim))
            .connect()
            .await
            .unwrap();
        let administrator = world.administrator().await;
        world.sim.clear_commands();
        for (index, name) in NAMES.iter().enumerate() {
            let address = format!("10.99.0.{index}");
            let add = Sentence::new(Path::ListAdd)
                .with("list", *name)
                .with("address", address.as_str())
                .with("timeout", "60s")
                .with("comment", *name);
            let properties = &[".id", "list", "address", "comment"];
            let print = Sentence::new(Path::ListPrint).only(properties);
            let print = print.equal("comment", *name).equal("list", *name);
            let answers = line.exchange(vec![add, print], open()).await;
            let shown = name.escape_ascii();
            let End::Done { ret: Some(id) } = &answers[0].end else {
                panic!("{version} {shown}: {:?}", answers[0]);
            };
            let rows = answers[1].complete().unwrap();
            assert_eq!(rows.len(), 1, "{version} {shown}: {:?}", answers[1]);
            let row = rows.get(0).unwrap();
            assert_eq!(row.id(), Some(&**id), "{version} {shown}");
            assert_eq!(row.bytes("comment"), Some(*name), "{version} {shown}");
            assert_eq!(row.bytes("list"), Some(*name), "{version} {shown}");
            // The API, which quotes nothing, says the same.
            let print =
                ApiCommand::new("/ip/firewall/address-list/print").query_equal("address", address);
            let answer = administrator.call(print).await.unwrap();
            let row = answer.rows.get(0).unwrap();
            assert_eq!(row.bytes("comment"), Some(*name), "{version} {shown}");
        }
        assert_eq!(
            changes(&world.sim),
            BTreeSet::from(["/ip/firewall/address-list/add".to_owned()]),
            "{version}"
        );
        assert_eq!(world.sim.unknown_commands(), [], "{version}");
    }
}

async fn accounts(world: &World) -> Vec<AccountRow> {
    let look = Look {
        accounts: Part::All,
        ..Look::default()
    };
    world.look(&look).await.accounts.unwrap().rows
}

#[tokio::test]
async fn a_login_is_found_and_switched_by_its_name_whatever_that_is() {
    for version in VERSIONS {
        let world = World::over_ssh(world::office().version(version)).await;
        let administrator = world.administrator().await;
        for name in NAMES {
            let add = ApiCommand::new("/ppp/secret/add")
                .attribute("name", name)
                .attribute("password", "pw");
            administrator.call(add).await.unwrap();
        }
        let all = accounts(&world).await;
        assert_eq!(all.len(), NAMES.len() + 3, "{version}");
        world.sim.clear_commands();
        for account in &all {
            let off = Command::SetAccount {
                source: SourceKind::PppSecrets,
                name: account.name.clone(),
                enabled: false,
            };
            let outcome = world.apply_one(off).await;
            assert!(
                matches!(outcome, Applied::Done { .. }),
                "{version} {:?}: {outcome:?}",
                account.name
            );
            let enabled = accounts(&world).await.into_iter().filter(|it| it.enabled);
            let names: BTreeSet<_> = enabled.map(|it| it.name).collect();
            assert!(
                !names.contains(&account.name),
                "{version} {:?}",
                account.name
            );
        }
        let left = accounts(&world).await;
        assert!(left.iter().all(|account| !account.enabled), "{version}");
        let before: BTreeSet<_> = all.iter().map(|account| &account.name).collect();
        let after: BTreeSet<_> = left.iter().map(|account| &account.name).collect();
        assert_eq!(before, after, "{version}");
        assert_eq!(
            changes(&world.sim),
            BTreeSet::from(["/ppp/secret/set".to_owned()]),
            "{version}"
        );
        assert_eq!(world.sim.unknown_commands(), [], "{version}");
    }
}
