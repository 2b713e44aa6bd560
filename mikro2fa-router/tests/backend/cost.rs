//! What a decision costs the router, counted exactly.

use super::*;

#[tokio::test]
async fn a_look_costs_at_most_half_of_what_a_full_print_does() {
    let mut builder = office();
    for n in 0..200 {
        builder = builder.account(format!("user{n}"), "pw");
    }
    let world = World::of(builder).await;
    for n in 0..200 {
        world.sim.dial(Dial::new(format!("user{n}"), "pw")).unwrap();
    }
    let administrator = world.administrator().await;
    world.sim.clear_commands();
    administrator
        .call(ApiCommand::new("/ppp/active/print"))
        .await
        .unwrap();
    let full = world.sim.totals().bytes_out;
    assert_eq!(world.tunnels().await.len(), 200);

    world.sim.clear_commands();
    world.advance(Duration::from_secs(15));
    let seen = world.tunnels().await;
    assert_eq!(seen.len(), 200);
    let look = world.sim.totals();
    assert_eq!(look.commands, 1);
    assert!(
        2 * look.bytes_out <= full,
        "{} of {full} bytes",
        look.bytes_out
    );

    // One more: it alone is asked about.
    world.sim.dial(Dial::new("ann", "pw")).unwrap();
    world.sim.clear_commands();
    assert_eq!(world.tunnels().await.len(), 201);
    let look = world.sim.totals();
    assert_eq!((look.commands, look.rows), (2, 201 + 1));
}

#[tokio::test]
async fn a_permit_moved_costs_one_add_and_one_remove_whatever_else_is_listed() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    for n in 0..500_u32 {
        let address = Ipv4Addr::from(0xC000_0200 + n).to_string();
        let entry = ApiCommand::new("/ip/firewall/address-list/add")
            .attribute("list", "mikro2fa-permit")
            .attribute("address", address);
        administrator.call(entry).await.unwrap();
    }
    world.backend.identify().await.unwrap();
    world.sim.clear_commands();

    let first = world.apply_one(world.permit(7, ANNS, 600)).await;
    let moved = revoke(7, ANNS, Some(handle(&first)));
    assert_eq!(world.apply_one(moved).await, done());
    let cost = world.sim.totals();
    assert!(cost.bytes_in <= 300 && cost.bytes_out <= 300, "{cost:?}");
    assert_eq!(
        world.sent(),
        [
            "/ip/firewall/address-list/add",
            "/ip/firewall/address-list/remove"
        ]
    );
}

/// Addresses that are nobody's here.
fn strangers(count: u32) -> impl Iterator<Item = IpAddr> {
    (0..count).map(|n| IpAddr::V4(Ipv4Addr::from(0x6400_0000 + n)))
}

#[tokio::test]
async fn a_permit_moved_costs_the_same_whatever_is_on_the_lists() {
    let mut costs = Vec::new();
    for listed in [0, 185_000] {
        let builder = office()
            .listed("mikro2fa-permit", strangers(listed))
            .keep_commands(10);
        let world = World::of(builder).await;
        world.backend.identify().await.unwrap();
        world.sim.clear_commands();
        let first = world.apply_one(world.permit(7, ANNS, 600)).await;
        let moved = revoke(7, ANNS, Some(handle(&first)));
        assert_eq!(world.apply_one(moved).await, done());
        let cost = world.sim.totals();
        let sent: Vec<SeenCommand> = world.sim.commands_seen().into_values().collect();
        let fields: usize = sent.iter().map(|it| it.attributes.len()).sum();
        assert_eq!((cost.commands, cost.rows), (2, 0));
        // list, address, comment, timeout; .id
        assert_eq!(fields, 5);
        assert!(sent.iter().all(|it| it.proplist.is_empty()));
        assert_eq!(
            world.sent(),
            [
                "/ip/firewall/address-list/add",
                "/ip/firewall/address-list/remove"
            ]
        );
        costs.push((cost.bytes_in, cost.bytes_out));
    }
    // An id of a long list has more digits: three of them, in the answer and in the removal.
    let [(few_in, few_out), (many_in, many_out)] = costs[..] else {
        panic!("two costs")
    };
    assert!(
        many_in - few_in <= 8 && many_out - few_out <= 8,
        "{costs:?}"
    );
}

#[tokio::test]
async fn a_big_router_is_asked_for_what_is_needed() {
    const TUNNELS: usize = 10_000;
    let mut builder = office().listed("blocked", strangers(20_000));
    for n in 0..TUNNELS {
        builder = builder.account(format!("user{n}"), "pw");
    }
    let world = World::of(builder).await;
    for n in 0..TUNNELS {
        world.sim.dial(Dial::new(format!("user{n}"), "pw")).unwrap();
    }
    let backend = world.api();
    let administrator = world.administrator().await;
    let full = async |path: &str| {
        world.sim.clear_commands();
        administrator.call(ApiCommand::new(path)).await.unwrap();
        world.sim.totals().bytes_out
    };
    let all_tunnels_in_full = full("/ppp/active/print").await;
    let all_entries_in_full = full("/ip/firewall/address-list/print").await;

    backend.identify().await.unwrap();
    world.sim.clear_commands();
    let first = backend.observe(&all_tunnels()).await.unwrap();
    assert_eq!(first.tunnels.unwrap().rows.len(), TUNNELS);
    assert_eq!(world.sim.totals().commands, 2, "tunnels and uptime");

    // From the second look on the tunnels are only called.
    world.advance(Duration::from_secs(15));
    world.sim.clear_commands();
    let second = backend.observe(&all_tunnels()).await.unwrap();
    assert_eq!(second.tunnels.unwrap().rows.len(), TUNNELS);
    let look = world.sim.totals();
    assert_eq!((look.commands, look.rows), (1, TUNNELS as u64));
    assert!(
        2 * look.bytes_out <= all_tunnels_in_full,
        "{} of {all_tunnels_in_full} bytes",
        look.bytes_out
    );
    let fields = &world.sim.commands_seen()["/ppp/active/print"].proplist;
    assert!(fields.len() <= 4, "{fields:?}");

    // Ten come, ten go: those that came are asked about, nobody else.
    for n in 0..10 {
        for tunnel in world.sim.tunnels_of(&format!("user{n}")) {
            tunnel.hang_up();
        }
        world.sim.dial(Dial::new(format!("user{n}"), "pw")).unwrap();
    }
    world.sim.clear_commands();
    let third = backend.observe(&all_tunnels()).await.unwrap();
    assert_eq!(third.tunnels.unwrap().rows.len(), TUNNELS);
    let look = world.sim.totals();
    assert_eq!((look.commands, look.rows), (2, TUNNELS as u64 + 10));

    // The list that is ours is empty, and the other one is not looked at.
    world.sim.clear_commands();
    let lists = backend.observe(&all_permits()).await.unwrap();
    assert_eq!(lists.permits.unwrap().rows.len(), 0);
    let look = world.sim.totals();
    assert!(look.rows <= 1, "{look:?}");
    assert!(
        1_000 * look.bytes_out <= all_entries_in_full,
        "{} of {all_entries_in_full} bytes",
        look.bytes_out
    );
}

#[tokio::test]
async fn a_thousand_changes_are_pipelined() {
    const CHANGES: u32 = 1_000;
    const LATENCY: Duration = Duration::from_millis(20);
    let world = World::new().await;
    let backend = world.api();
    backend.identify().await.unwrap();
    let menu = On::menu("/ip/firewall/address-list");
    world.sim.inject(menu, Fault::Latency(LATENCY));
    let addresses = (0..CHANGES).map(|n| Ipv4Addr::from(0x0A09_0000 + n));
    let permits: Vec<Command> = addresses.map(|it| world.permit(7, it, 600)).collect();
    let begun = std::time::Instant::now();
    let outcomes = backend.apply(&world.fence(), &permits).await.unwrap();
    let took = begun.elapsed();
    assert!(
        outcomes
            .iter()
            .all(|it| matches!(it, Applied::Done { handle: Some(_) }))
    );
    assert_eq!(world.permit_list().len(), CHANGES as usize);
    // One after the other it would be 20 s at least; a busy machine is no reason for more than half of that.
    assert!(took < LATENCY * CHANGES / 2, "{took:?}");
}

#[tokio::test]
async fn a_hundred_leases_are_renewed_in_one_command() {
    let world = World::new().await;
    let addresses: Vec<Ipv4Addr> = (0..100).map(|n| Ipv4Addr::new(10, 8, 1, n)).collect();
    let permits: Vec<Command> = addresses
        .iter()
        .map(|it| world.permit(7, *it, 600))
        .collect();
    let made = world.apply(&permits).await;
    world.advance(Duration::from_secs(300));
    world.sent();
    let renewals: Vec<Command> = addresses
        .iter()
        .zip(&made)
        .map(|(address, made)| Command::Renew {
            session: session(7),
            address: Prefix::host((*address).into()),
            known: handle(made),
            lease: world.lease(600),
        })
        .collect();
    assert_eq!(world.apply(&renewals).await, vec![done(); 100]);
    assert_eq!(world.sent(), ["/ip/firewall/address-list/set"]);
    assert!(world.permit_list().iter().all(|(_, _, left)| left == "10m"));
}

#[tokio::test]
async fn one_look_and_one_cut_are_four_commands() {
    let world = World::new().await;
    world.sim.dial(Dial::new("ann", "pw")).unwrap();
    world.backend.identify().await.unwrap();
    world.sent();
    let tunnels = world.tunnels().await;
    assert_eq!(world.apply_one(cut(&tunnels[0])).await, done());
    assert_eq!(
        world.sent(),
        [
            "/ppp/active/print",
            "/system/resource/print",
            "/ppp/active/print",
            "/ppp/active/remove"
        ]
    );
    assert_eq!(world.sim.tunnel_count(), 0);
}

#[tokio::test]
async fn a_look_at_the_gate_is_a_few_rows_however_many_logins_and_tunnels_there_are() {
    let mut builder = office();
    for n in 0..300 {
        builder = builder.account(format!("user{n}"), "pw");
    }
    let world = World::of(builder).await;
    for n in 0..300 {
        world.sim.dial(Dial::new(format!("user{n}"), "pw")).unwrap();
    }
    world.backend.identify().await.unwrap();
    world.sim.clear_commands();
    let look = Look {
        gate: true,
        ..Look::default()
    };
    let seen = world.look(&look).await.gate.unwrap();
    assert!(seen.is_whole(), "{seen:?}");
    let cost = world.sim.totals();
    assert_eq!(cost.commands, 13, "one for each part of it");
    assert!(cost.rows <= 80, "{cost:?}");
    assert!(cost.bytes_out <= 16_000, "{cost:?}");

    // What is whole is not touched.
    assert_eq!(world.apply_one(Command::MendGate).await, Applied::AlreadySo);
    let changed = world
        .sent()
        .into_iter()
        .filter(|it| !it.ends_with("/print"));
    assert_eq!(changed.count(), 0);
}
