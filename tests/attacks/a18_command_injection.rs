//! A18: a name or a comment that is meant to become a command on the router.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mikro2fa_router::simulator::Via;

use crate::harness::{Database, ELSEWHERE, HOME, MINUTE, Outcome, PASSWORD, Town, json, on_both};

on_both!(
    the_names_of_logins_stay_names,
    the_names_of_logins_stay_names_at_the_console,
    comments_of_others_stay_text,
);

/// Over SSH nothing tells of a tunnel before the next poll.
const POLL: Duration = Duration::from_secs(16);

/// Logins that somebody has made on the router, or has had made there under a name of his own choice.
const NAMES: [&str; 7] = [
    "=disabled=yes",
    "a\"; /system reset-configuration; \"",
    "$name [find]",
    "x\\",
    "*1",
    "?name=bob",
    "bob,ann",
];

type Rows = Vec<BTreeMap<String, String>>;

/// What nobody has reason to change, row by row.
fn others(town: &Town) -> Vec<Rows> {
    const MENUS: [&str; 8] = [
        "/ip/firewall/filter",
        "/ipv6/firewall/filter",
        "/ppp/profile",
        "/system/identity",
        "/system/scheduler",
        "/system/script",
        "/user/group",
        "/ip/service",
    ];
    MENUS.iter().map(|menu| town.sim.rows(menu)).collect()
}

/// The states of all logins, by name.
fn logins(town: &Town) -> BTreeMap<String, String> {
    let rows = town.sim.rows("/ppp/secret").into_iter();
    rows.map(|row| (row["name"].clone(), row["disabled"].clone()))
        .collect()
}

/// Only commands that mikro2fa has were sent, with arguments that it has.
fn only_known_words_were_sent(town: &Town) {
    let known: BTreeSet<&str> = mikro2fa_router::sentence::Path::ALL
        .iter()
        .map(|path| path.as_str())
        .chain(["/login", "/cancel"])
        .collect();
    let arguments = BTreeSet::from([
        ".id",
        "address",
        "comment",
        "count-only",
        "disabled",
        "list",
        "name",
        "password",
        "tag",
        "timeout",
    ]);
    for (command, seen) in town.sim.commands_seen() {
        assert!(known.contains(&*command), "{command} was sent");
        for name in &seen.attributes {
            assert!(
                arguments.contains(&**name),
                "{command} was sent with {name}"
            );
        }
    }
}

async fn the_names_of_logins_stay_names(on: Database) -> Outcome<()> {
    let mut town = with_such_logins(on).await?;
    play(&mut town, &NAMES).await?;
    only_known_words_were_sent(&town);
    town.finish().await
}

/// Where a value is part of a line of script.
async fn the_names_of_logins_stay_names_at_the_console(on: Database) -> Outcome<()> {
    let mut town = with_such_logins(on).await?;
    let over_ssh = json!({
        "transport": "ssh", "port": town.sim.ssh_address().unwrap().port(),
        "pins": [town.sim.host_fingerprint().unwrap()],
        "password": town.sim.daily_password(),
    });
    town.patch(&format!("routers/{}", town.router), over_ssh)
        .await?;
    town.settle().await;
    town.sim.clear_commands();
    play(&mut town, &NAMES[1..4]).await?;
    let said = town.sim.commands();
    assert!(!said.is_empty() && said.iter().all(|it| it.via == Via::Ssh));
    assert_eq!(town.sim.unknown_commands(), []);
    town.finish().await
}

async fn with_such_logins(on: Database) -> Outcome<Town> {
    Town::with(on, |options| {
        let simulator = options.office.simulator.clone().ssh(0);
        options.office.simulator = NAMES
            .iter()
            .fold(simulator, |router, name| router.account(*name, PASSWORD));
        options.policy["max_accounts_per_user"] = json!(10);
        options.policy["max_prompts_per_hour"] = json!(100);
    })
    .await
}

/// Asked about, let in, ended; asked about again and denied: only tunnels of that login are touched, and nothing else.
async fn play(town: &mut Town, names: &[&str]) -> Outcome<()> {
    let router = town.router.clone();
    for name in names {
        let account = town.world_mut();
        account.add_account(&router, name, "Ann", json!({})).await?;
    }
    town.settle().await;
    let (before, states) = (others(town), logins(town));
    for name in names {
        // Held no longer than unrequested tunnels are.
        let bystander = town.dials("bob", "192.0.2.44");
        town.settle().await;
        let tunnel = town.dials(name, HOME);
        town.advance(POLL).await;
        let question = town.asked(&town.ann, HOME).await?;
        town.tap(&town.ann, &question, "Yes").await?;
        town.until_open(&tunnel).await?;
        town.advance(6 * MINUTE).await;
        assert!(town.reaches_office(&tunnel), "{name}: renewed");
        tunnel.hang_up();
        town.advance(5 * MINUTE).await;
        assert!(town.permits().is_empty(), "{name}: {:#?}", town.permits());

        let thief = town.dials(name, ELSEWHERE);
        town.advance(POLL).await;
        let question = town.asked(&town.ann, ELSEWHERE).await?;
        town.tap(&town.ann, &question, "No, not me").await?;
        town.until_cut(&thief).await?;
        town.settle().await;
        assert!(bystander.is_up(), "{name}: another one's tunnel was cut");
        assert!(!town.reaches_office(&bystander), "{name}");
        bystander.hang_up();
        town.settle().await;
    }
    assert_eq!(others(town), before);
    assert_eq!(logins(town), states);
    Ok(())
}

/// Comments of foreign entries and rules are read and told to operators, and that is all.
async fn comments_of_others_stay_text(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let list = town.sim.names().permit.clone();
    let comments = NAMES.iter().chain(&["mikro2fa abcdef01 x\"; /quit"]);
    for (n, comment) in comments.enumerate() {
        let address = format!("10.8.200.{}", n + 1);
        let entry = [
            ("list", &*list),
            ("address", &address),
            ("comment", comment),
        ];
        town.by_hand("/ip/firewall/address-list/add", &entry);
        let rule = format!("2FA {comment}");
        let rule = [
            ("chain", "stranger"),
            ("action", "accept"),
            ("disabled", "yes"),
            ("comment", &rule),
        ];
        town.by_hand("/ip/firewall/filter/add", &rule);
    }
    let (before, states, entries) = (others(&town), logins(&town), town.permits());
    town.advance(11 * MINUTE).await;
    town.reads(&town.olga, "oreign entr").await?;
    let tunnel = town.opened().await?;
    tunnel.hang_up();
    town.advance(5 * MINUTE).await;
    assert_eq!(others(&town), before);
    assert_eq!(logins(&town), states);
    assert_eq!(town.permits(), entries, "not ours: left as they are");
    only_known_words_were_sent(&town);
    town.finish().await
}
