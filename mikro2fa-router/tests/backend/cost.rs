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
    assert_eq!(look.commands, 2, "tunnels, and the router's uptime");
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
    assert_eq!((look.commands, look.rows), (3, 201 + 1 + 1));
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
