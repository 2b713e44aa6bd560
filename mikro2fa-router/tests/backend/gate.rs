//! Mending what is ours of the gate where the router does not let all of it be mended; and telling its dead man's switch that we live.

use mikro2fa_core::{
    gate::{GateFaultKind, GateSeen},
    router_backend::Jumps,
};

use super::*;

async fn gate(world: &World) -> GateSeen {
    let look = Look {
        gate: true,
        ..Look::default()
    };
    world.look(&look).await.gate.unwrap()
}

fn by_hand(world: &World, menu: &str, is_meant: impl Fn(&Row) -> bool, change: (&str, &str)) {
    let rows = world.sim.rows(menu);
    let row = rows.iter().find(|row| is_meant(row)).unwrap();
    let set = ApiCommand::new(format!("{menu}/set"))
        .attribute(".id", &*row[".id"])
        .attribute(change.0, change.1);
    world.sim.administer(&set).unwrap();
}

type Row = std::collections::BTreeMap<String, String>;

/// A group without `policy` may not be let give a profile its scripts. That keeps nothing else from being mended.
#[tokio::test]
async fn what_the_router_refuses_to_mend_does_not_keep_the_rest_from_being_mended() {
    let world = World::of(office().quirks(|it| it.hooks_need_policy = true)).await;
    assert!(gate(&world).await.is_whole());
    let profile = |row: &Row| row["name"] == "mikro2fa-vpn";
    by_hand(&world, "/ppp/profile", profile, ("on-up", ""));
    for menu in ["/ip/firewall/filter", "/ipv6/firewall/filter"] {
        let jump = |row: &Row| row["action"] == "jump" && row["chain"] == "forward";
        by_hand(&world, menu, jump, ("disabled", "yes"));
        let drop = |row: &Row| row["action"] == "drop" && row["chain"] == "mikro2fa-input";
        by_hand(&world, menu, drop, ("action", "accept"));
    }
    let broken = gate(&world).await;
    assert!(
        !broken.holds() && broken.jumps != Jumps::Enabled,
        "{broken:?}"
    );
    for _ in 0..2 {
        let outcome = world.apply_one(Command::MendGate).await;
        assert!(
            reason(&outcome).contains("not enough permissions"),
            "{outcome:?}"
        );
        let seen = gate(&world).await;
        assert!(seen.holds() && seen.jumps == Jumps::Enabled, "{seen:?}");
        let kinds: Vec<GateFaultKind> = seen.faults.iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [GateFaultKind::HandOver], "what it may not mend");
    }
}

/// Each command of mending is refused in turn, and all that follow with it: the jump is never turned to a chain that is half built,
/// never taken away, and no attempt adds to what the one before has left.
#[tokio::test]
async fn whatever_is_refused_the_gate_is_not_more_open_than_before() {
    const MENU: &str = "/ip/firewall/filter";
    for (command, most) in [("add", 10), ("set", 2), ("remove", 2)] {
        for skip in 0..most {
            let world = World::new().await;
            gate(&world).await;
            // The drop of what is sent to a tunnel: the chain has to be built anew.
            let drop = |row: &Row| {
                row["action"] == "drop"
                    && row["chain"] == "mikro2fa-forward"
                    && row.contains_key("out-interface-list")
            };
            by_hand(&world, MENU, drop, ("action", "accept"));
            let jump = |row: &Row| row["action"] == "jump" && row["chain"] == "forward";
            by_hand(&world, MENU, jump, ("disabled", "yes"));
            let tunnel = world.sim.dial(Dial::new("ann", "pw")).unwrap();
            let out = Flow::between(&tunnel, [192, 168, 88, 10]);
            let mut rules = Vec::new();
            let on = || On::command(format!("{MENU}/{command}")).skip(skip);
            let mut refused = false;
            for _ in 0..3 {
                let fault = Fault::Trap {
                    category: None,
                    message: "failure: not today".into(),
                };
                world.sim.inject(on(), fault);
                let outcome = world.apply_one(Command::MendGate).await;
                refused |= matches!(outcome, Applied::Refused { .. });
                world.sim.clear_faults();
                rules.push(world.sim.rows(MENU).len());
                if command != "set" || skip > 0 {
                    let shut = world.sim.would_pass(&out);
                    assert!(shut.is_dropped(), "{command} {skip}: {shut}");
                }
            }
            assert!(refused || skip > 0, "{command}: or nothing was tried");
            assert!(rules[2] <= rules[0], "{command} {skip}: {rules:?}");
            let outcome = world.apply_one(Command::MendGate).await;
            let done = matches!(outcome, Applied::Done { .. } | Applied::AlreadySo);
            assert!(done, "{command} {skip}: {outcome:?}");
            let seen = gate(&world).await;
            assert!(seen.is_whole(), "{command} {skip}: {seen:?}");
        }
    }
}

/// Entries of the alive list: address, time that is left, and whether it is ours.
fn alive(world: &World) -> Vec<(String, String, bool)> {
    let rows = world.sim.rows("/ip/firewall/address-list");
    let alive = rows.iter().filter(|row| row["list"] == "mikro2fa-alive");
    let entry = |row: &Row| {
        let ours = row["comment"].starts_with("mikro2fa abcdef01 000");
        let left = row.get("timeout").cloned().unwrap_or_default();
        (row["address"].clone(), left, ours)
    };
    alive.map(entry).collect()
}

#[tokio::test]
async fn the_dead_mans_switch_hears_of_us_and_the_last_word_counts() {
    let keep = |world: &World, seconds| Command::KeepAlive {
        lease: world.lease(seconds),
    };
    for stays in [false, true] {
        let quirks =
            move |it: &mut mikro2fa_router::simulator::Quirks| it.timeout_can_be_set = !stays;
        let world = World::of(office().quirks(quirks)).await;
        let mut places = Vec::new();
        for seconds in [600, 86_400, 600, 60] {
            let outcome = world.apply_one(keep(&world, seconds)).await;
            assert_eq!(outcome, Applied::Done { handle: None });
            let [(address, left, ours)] = &alive(&world)[..] else {
                panic!("{:?}", alive(&world));
            };
            let shown = mikro2fa_router_duration(seconds);
            assert_eq!((&**left, *ours), (shown, true));
            places.push(address.clone());
        }
        assert_eq!(places, ["127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"]);
        world.advance(Duration::from_secs(61));
        assert_eq!(alive(&world), []);
    }
}

fn mikro2fa_router_duration(seconds: u64) -> &'static str {
    match seconds {
        60 => "1m",
        600 => "10m",
        _ => "1d",
    }
}

/// There is one at every moment, so that the switch never finds the list empty in between; and what is somebody else's stays.
#[tokio::test]
async fn the_list_is_never_empty_in_between_and_strangers_stay() {
    let world = World::new().await;
    let add = |address: &str, comment: &str| {
        let add = ApiCommand::new("/ip/firewall/address-list/add")
            .attribute("list", "mikro2fa-alive")
            .attribute("address", address)
            .attribute("comment", comment);
        world.sim.administer(&add).unwrap();
    };
    let command = Command::KeepAlive {
        lease: world.lease(600),
    };
    world.apply_one(command.clone()).await;
    world.sim.clear_commands();
    world.apply_one(command.clone()).await;
    let sent: Vec<String> = world.sent();
    let list = "/ip/firewall/address-list/";
    assert_eq!(
        sent,
        ["print", "add", "remove"].map(|it| format!("{list}{it}"))
    );
    // A lost removal leaves two of ours.
    add(
        "127.0.0.1",
        "mikro2fa abcdef01 00000000000000000000000000000000 2",
    );
    world.apply_one(command.clone()).await;
    assert_eq!(alive(&world).len(), 1, "{:?}", alive(&world));
    for address in ["127.0.0.1", "127.0.0.2"] {
        if alive(&world).iter().all(|(it, ..)| it != address) {
            add(address, "theirs");
        }
    }
    // One place is theirs: ours goes and comes in the other.
    world.apply_one(command).await;
    let mut all = alive(&world);
    all.sort_by_key(|(.., ours)| *ours);
    assert_eq!((all.len(), all[0].2, all[1].2), (2, false, true), "{all:?}");
}
