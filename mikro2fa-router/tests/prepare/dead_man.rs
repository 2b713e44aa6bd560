//! The dead man's switch: made by prepare, run by the router, seen by the doctor, taken back by restore.

use std::time::Duration;

use mikro2fa_router::{
    gate::{GateNames, Guarded},
    prepare::{Choices, MemoryJournal, script},
    simulator::{Happening, Simulator, Version},
};
use routeros_api::Command;

use crate::support::{choices, configuration, difference, plan_again, prepare, restore_all};

const MINUTE: Duration = Duration::from_secs(60);
/// Names that would be more than names in a careless script.
const HOSTILE: &str = "x\"; /system reset-configuration; [$y] 2FA";

fn add(sim: &Simulator, menu: &str, properties: &[(&str, &str)]) {
    let mut command = Command::new(format!("{menu}/add"));
    for (name, value) in properties {
        command = command.attribute(*name, *value);
    }
    sim.administer(&command).unwrap();
}

async fn office(version: Version) -> Simulator {
    let builder = Simulator::builder().version(version);
    let builder = builder.account("ann", "pw").account("bob", "pw");
    let sim = builder.start().await.unwrap();
    for comment in ["ann 2FA", HOSTILE, "somebody's own 2FA"] {
        let rule = [("chain", "forward"), ("action", "accept")];
        let rule = [&rule[..], &[("comment", comment)]].concat();
        add(&sim, "/ip/firewall/filter", &rule);
    }
    sim
}

fn guarding() -> Choices {
    Choices {
        guarded: Guarded {
            rules: ["ann 2FA".into(), HOSTILE.into()].into(),
            secrets: ["ann".into()].into(),
            ..Guarded::default()
        },
        ..choices()
    }
}

/// We are heard of for so long.
fn alive(sim: &Simulator, time: &str) {
    let names = GateNames::default();
    let entry = [
        ("list", &*names.alive),
        ("address", "127.0.0.1"),
        ("timeout", time),
    ];
    add(sim, "/ip/firewall/address-list", &entry);
}

fn is_off(sim: &Simulator, menu: &str, property: &str, value: &str) -> bool {
    let rows = sim.rows(menu);
    let row = rows
        .iter()
        .find(|row| row.get(property).is_some_and(|it| it == value));
    let disabled = row.unwrap().get("disabled");
    disabled.is_some_and(|it| it == "true" || it == "yes")
}

/// Which of what could be switched off is off: two rules, a login; another rule, another login.
fn off(sim: &Simulator) -> [bool; 5] {
    let rule = |comment| is_off(sim, "/ip/firewall/filter", "comment", comment);
    let login = |name| is_off(sim, "/ppp/secret", "name", name);
    [
        rule("ann 2FA"),
        rule(HOSTILE),
        login("ann"),
        rule("somebody's own 2FA"),
        login("bob"),
    ]
}

/// Scripts that the router could not run.
fn failures(sim: &Simulator) -> Vec<Happening> {
    let events = sim.events().into_iter().map(|event| event.what);
    let failed = |it: &Happening| matches!(it, Happening::ScriptFailed { .. });
    events.filter(failed).collect()
}

#[tokio::test]
async fn what_no_lease_takes_back_is_switched_off_when_nobody_is_heard_of() {
    for version in [Version::V6_49, Version::V7_12, Version::V7_22] {
        let sim = office(version).await;
        alive(&sim, "10m");
        prepare(&sim, &guarding(), &MemoryJournal::default())
            .await
            .unwrap();
        sim.advance(9 * MINUTE);
        assert_eq!(off(&sim), [false; 5], "{version}: we live");
        sim.advance(2 * MINUTE);
        assert_eq!(
            off(&sim),
            [true, true, true, false, false],
            "{version}: and nothing else"
        );
        assert_eq!(failures(&sim), [], "{version}");
        // Once is enough: what somebody switches on meanwhile goes off again, as long as nobody is heard of.
        let on = Command::new("/ppp/secret/set").attribute(".id", "ann");
        sim.administer(&on.clone().attribute("disabled", "no"))
            .unwrap();
        sim.advance(MINUTE);
        assert!(off(&sim)[2], "{version}");
        alive(&sim, "10m");
        sim.administer(&on.attribute("disabled", "no")).unwrap();
        sim.advance(3 * MINUTE);
        assert!(!off(&sim)[2], "{version}");
    }
}

/// Builds of version 6 call a login of the User Manager this or that. A script that asked for what a build lacks could not be read,
/// and nothing at all would be switched off.
#[tokio::test]
async fn logins_of_the_user_manager_are_switched_off_whatever_a_build_calls_them() {
    for (version, says_name) in [
        (Version::V6_49, false),
        (Version::V6_49, true),
        (Version::V7_16, false),
    ] {
        let builder = Simulator::builder().version(version).account("ann", "pw");
        let builder = builder.quirks(|quirks| quirks.user_manager_6_says_name = says_name);
        let builder = ["uma", "ute", HOSTILE]
            .iter()
            .fold(builder, |builder, name| {
                builder.user_manager_account(*name, "pw")
            });
        let sim = builder.start().await.unwrap();
        let guarding = Choices {
            guarded: Guarded {
                secrets: ["ann".into()].into(),
                users: ["uma".into(), "nobody".into(), HOSTILE.into()].into(),
                ..Guarded::default()
            },
            ..choices()
        };
        alive(&sim, "10m");
        prepare(&sim, &guarding, &MemoryJournal::default())
            .await
            .unwrap();
        let (menu, property) = match version.major {
            6 => ("/tool/user-manager/user", "username"),
            _ => ("/user-manager/user", "name"),
        };
        let off = |sim: &Simulator| {
            let user = |name| is_off(sim, menu, property, name);
            let users = ["uma", HOSTILE, "ute"].map(user);
            (is_off(sim, "/ppp/secret", "name", "ann"), users)
        };
        sim.advance(9 * MINUTE);
        assert_eq!(
            off(&sim),
            (false, [false; 3]),
            "{version} {says_name}: we live"
        );
        sim.advance(2 * MINUTE);
        let expected = (true, [true, true, false]);
        assert_eq!(
            off(&sim),
            expected,
            "{version} {says_name}: and nothing else"
        );
        assert_eq!(failures(&sim), [], "{version} {says_name}");
    }
}

/// A router that starts again has lost the entry: it does not wait for anybody.
#[tokio::test]
async fn a_reboot_does_not_hold_it_up() {
    let sim = office(Version::V7_16).await;
    alive(&sim, "1h");
    prepare(&sim, &guarding(), &MemoryJournal::default())
        .await
        .unwrap();
    sim.advance(5 * MINUTE);
    assert_eq!(off(&sim), [false; 5]);
    sim.reboot();
    sim.set_date(0);
    sim.advance(Duration::from_secs(5));
    assert_eq!(off(&sim), [true, true, true, false, false]);
}

/// Where the jumps are disabled nothing is done to anybody, and this is no exception.
#[tokio::test]
async fn a_router_that_is_only_watched_switches_nothing_off() {
    let sim = office(Version::V7_16).await;
    let observing = Choices {
        observe: true,
        ..guarding()
    };
    let journal = MemoryJournal::default();
    prepare(&sim, &observing, &journal).await.unwrap();
    sim.advance(30 * MINUTE);
    assert_eq!(off(&sim), [false; 5]);
    prepare(&sim, &guarding(), &journal).await.unwrap();
    sim.advance(2 * MINUTE);
    assert_eq!(off(&sim), [true, true, true, false, false]);
}

#[tokio::test]
async fn it_is_kept_as_it_has_to_be_and_taken_back() {
    for version in [Version::V6_49, Version::V7_16] {
        let sim = office(version).await;
        let before = configuration(&sim);
        let journal = MemoryJournal::default();
        prepare(&sim, &guarding(), &journal).await.unwrap();
        let again = plan_again(&sim, &guarding()).await;
        assert!(again.is_done(), "{version}: {:?}", again.steps);
        // Another login is handed over: the script has to know it.
        let more = Choices {
            guarded: Guarded {
                secrets: ["ann".into(), "bob".into()].into(),
                ..guarding().guarded
            },
            ..guarding()
        };
        prepare(&sim, &more, &journal).await.unwrap();
        assert!(plan_again(&sim, &more).await.is_done(), "{version}");
        sim.advance(2 * MINUTE);
        assert!(off(&sim)[4], "{version}");
        for login in ["ann", "bob"] {
            let on = Command::new("/ppp/secret/set").attribute(".id", login);
            sim.administer(&on.attribute("disabled", "no")).unwrap();
        }
        for rule in sim.rows("/ip/firewall/filter") {
            if rule.get("comment").is_some_and(|it| it.contains("2FA")) {
                let on = Command::new("/ip/firewall/filter/set").attribute(".id", &*rule[".id"]);
                sim.administer(&on.attribute("disabled", "no")).unwrap();
            }
        }
        let found = restore_all(&sim, &more, &journal).await.unwrap();
        assert_eq!(found.left, Vec::<String>::new(), "{version}");
        assert_eq!(
            difference(&configuration(&sim), &before),
            Vec::<String>::new(),
            "{version}"
        );
    }
}

/// With nothing to guard it goes; somebody else's scheduler of that name is nobody's to change.
#[tokio::test]
async fn it_goes_with_what_it_guards_and_touches_no_strangers() {
    let sim = office(Version::V7_16).await;
    let journal = MemoryJournal::default();
    prepare(&sim, &guarding(), &journal).await.unwrap();
    assert_eq!(sim.rows("/system/scheduler").len(), 1);
    prepare(&sim, &choices(), &journal).await.unwrap();
    assert_eq!(sim.rows("/system/scheduler").len(), 0);
    let names = GateNames::default();
    let theirs = [("name", &*names.alive), ("on-event", ":log info hello")];
    add(&sim, "/system/scheduler", &theirs);
    let refused = prepare(&sim, &guarding(), &journal).await.unwrap_err();
    assert!(refused.to_string().contains("scheduler"), "{refused}");
    assert!(plan_again(&sim, &choices()).await.is_done());
}

#[tokio::test]
async fn the_plan_shows_it() {
    let sim = office(Version::V7_16).await;
    let plan = plan_again(&sim, &guarding()).await;
    let shown: Vec<String> = plan.steps.iter().map(script::shown).collect();
    let its = shown.iter().position(|line| line.contains("scheduler add"));
    let jump = shown
        .iter()
        .position(|line| line.starts_with("~ /ip firewall filter set"));
    assert!(its.unwrap() < jump.unwrap(), "{shown:#?}");
    let all = script::script(&plan);
    assert!(all.contains("/system scheduler add"), "{all}");
    assert!(!all.contains("reset-configuration;"), "{all}");
}
