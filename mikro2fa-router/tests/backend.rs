//! The backend against the simulated router, over its real socket: what it costs, and what goes wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

use std::{net::Ipv4Addr, time::Duration};

use futures_util::StreamExt as _;
use mikro2fa_core::{
    desk::{SourceKind, TransportKind},
    router_backend::{Applied, Command, Hint, Look, Part, PermitTag, Prefix, RouterError},
    tunnel::{Same, Service},
};
use mikro2fa_router::{
    probe,
    simulator::{Dial, Fault, Flow, On, Reachability, Simulator, Then, Version},
};
use routeros_api::Command as ApiCommand;

#[path = "support/world.rs"]
mod world;

use world::{
    World, all_permits, all_tunnels, connection, cut, done, handle, office, ours, reason, revoke,
    session,
};

const ANNS: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);

// ---- what a decision costs ----------------------------------------------------------------------

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

// ---- looks ---------------------------------------------------------------------------------------

#[tokio::test]
async fn a_tunnel_is_the_same_from_look_to_look_and_another_after_a_redial() {
    let world = World::new().await;
    let line = world
        .sim
        .dial(Dial::new("ann", "pw").from("198.51.100.9"))
        .unwrap();
    let first = world.tunnels().await;
    assert_eq!(
        (&*first[0].account, first[0].service),
        ("ann", Service::L2tp)
    );
    assert_eq!(
        first[0].caller.as_ref().unwrap().to_string(),
        "198.51.100.9"
    );
    world.advance(Duration::from_secs(15));
    let second = world.tunnels().await;
    assert_eq!(first[0].same_as(&second[0]), Same::Yes);

    // Ids are slots: the next tunnel has the same one.
    line.hang_up();
    world.advance(Duration::from_secs(1));
    world.sim.dial(Dial::new("bob", "pw")).unwrap();
    let third = world.tunnels().await;
    assert_eq!(second[0].key.handle, third[0].key.handle);
    assert_eq!((third.len(), &*third[0].account), (1, "bob"));
    assert_eq!(second[0].same_as(&third[0]), Same::No);
}

#[tokio::test]
async fn an_address_that_comes_late_is_seen_when_it_has_come() {
    let late = |quirks: &mut mikro2fa_router::simulator::Quirks| {
        quirks.address_after = Some(Duration::from_secs(2));
    };
    let world = World::of(office().quirks(late)).await;
    world.sim.dial(Dial::new("ann", "pw")).unwrap();
    let early = world.tunnels().await;
    assert!(early[0].addresses.is_empty());
    world.advance(Duration::from_secs(3));
    let later = world.tunnels().await;
    assert_eq!(later[0].addresses.v4, Some(ANNS));
    assert_eq!(early[0].same_as(&later[0]), Same::Yes);
}

#[tokio::test]
async fn a_print_that_breaks_off_is_no_complete_look() {
    let world = World::new().await;
    for name in ["ann", "bob", "eve"] {
        world.sim.dial(Dial::new(name, "pw")).unwrap();
    }
    let partial = Fault::Partial {
        rows: 1,
        then: Then::Trap("no such item (4)".into()),
    };
    world
        .sim
        .inject(On::command("/ppp/active/print").once(), partial);
    let observed = world.look(&all_tunnels()).await;
    assert_eq!(observed.tunnels, None);
    assert!(observed.router_uptime.is_some());
    assert_eq!(world.tunnels().await.len(), 3);
}

#[tokio::test]
async fn names_in_another_code_page_stay_two_logins() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    for name in [&b"\xC0\xED\xED\xE0"[..], b"\xC8\xED\xED\xE0"] {
        let secret = ApiCommand::new("/ppp/secret/add")
            .attribute("name", name)
            .attribute("comment", b"\xFF");
        administrator.call(secret).await.unwrap();
    }
    let all = Look {
        accounts: Part::All,
        ..Look::default()
    };
    let rows = world.look(&all).await.accounts.unwrap().rows;
    assert_eq!(rows.len(), 5);
    let disable = Command::SetAccount {
        source: SourceKind::PppSecrets,
        name: rows[4].name.clone(),
        enabled: false,
    };
    assert_eq!(world.apply_one(disable).await, done());
    let these = Look {
        accounts: Part::These(vec![rows[3].name.clone(), rows[4].name.clone()]),
        ..Look::default()
    };
    let rows = world.look(&these).await.accounts.unwrap().rows;
    let enabled: Vec<bool> = rows.iter().map(|row| row.enabled).collect();
    assert_eq!(enabled, [true, false]);
}

#[tokio::test]
async fn versions_without_ipv6_and_with_their_own_dialect_are_looked_at_alike() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_18,
        Version::V7_20,
        Version::V7_22,
    ] {
        let world = World::of(office().version(version)).await;
        let identity = world.backend.identify().await.unwrap();
        assert!(
            identity.version.starts_with(&version.to_string()),
            "{}",
            identity.version
        );
        assert!(identity.capabilities.ppp && identity.capabilities.leases);
        let empty = world.look(&Look::complete()).await;
        assert_eq!(empty.tunnels.unwrap().rows.len(), 0, "{version}");
        assert_eq!(empty.permits.unwrap().rows.len(), 0, "{version}");

        world.sim.dial(Dial::new("ann", "pw")).unwrap();
        assert_eq!(world.tunnels().await.len(), 1, "{version}");
        world.apply_one(world.permit(7, ANNS, 600)).await;
        let permits = world.look(&all_permits()).await.permits.unwrap().rows;
        assert_eq!((permits.len(), &permits[0].tag), (1, &ours(7)), "{version}");
        assert_eq!(permits[0].left, Some(Duration::from_secs(600)), "{version}");
    }
}

#[tokio::test]
async fn hints_come_when_tunnels_do_and_end_with_the_connection() {
    let world = World::new().await;
    let mut hints = world.backend.watch().await.unwrap();
    assert_eq!(hints.next().await, Some(Ok(Hint::Gap)));
    let listens = |sim: &Simulator| {
        sim.commands()
            .iter()
            .any(|it| it.command == "/ppp/active/listen")
    };
    world.sim.until(listens).await;
    world.sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(hints.next().await, Some(Ok(Hint::Tunnels)));
    // Looks and orders share the connection with it.
    assert_eq!(world.tunnels().await.len(), 1);
    assert_eq!(world.sim.connection_count(), 1);
    world.sim.cut_connections();
    assert!(matches!(
        hints.next().await,
        Some(Err(RouterError::Unreachable(_)))
    ));
    assert_eq!(hints.next().await, None);
    assert_eq!(
        world.tunnels().await.len(),
        1,
        "the next question connects anew"
    );
}

// ---- orders --------------------------------------------------------------------------------------

#[tokio::test]
async fn a_permit_opens_for_its_lease_and_not_longer() {
    let world = World::new().await;
    let tunnel = world.sim.dial(Dial::new("ann", "pw")).unwrap();
    let office = Flow::between(&tunnel, [192, 168, 88, 10]);
    assert!(world.sim.would_pass(&office).is_dropped());
    world.apply_one(world.permit(7, ANNS, 30)).await;
    assert!(world.sim.would_pass(&office).passes());
    let comment = "mikro2fa abcdef01 00000000000000000000000000000007 3";
    let entry = (ANNS.to_string(), comment.to_owned(), "30s".to_owned());
    assert_eq!(world.permit_list(), [entry]);
    world.advance(Duration::from_secs(31));
    assert!(world.sim.would_pass(&office).is_dropped());
}

#[tokio::test]
async fn a28_a_foreign_entry_opens_nothing_and_is_named() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let entry = ApiCommand::new("/ip/firewall/address-list/add")
        .attribute("list", "mikro2fa-permit")
        .attribute("address", ANNS.to_string())
        .attribute("comment", "printers, do not touch");
    administrator.call(entry).await.unwrap();
    let refused = world.apply_one(world.permit(7, ANNS, 30)).await;
    assert!(reason(&refused).contains("10.8.0.2"), "{refused:?}");
    assert!(
        reason(&refused).contains("printers, do not touch"),
        "{refused:?}"
    );
    assert_eq!(
        world.apply_one(revoke(7, ANNS, None)).await,
        Applied::AlreadySo
    );
    let rows = world.look(&all_permits()).await.permits.unwrap().rows;
    assert_eq!(
        rows[0].tag,
        PermitTag::Foreign("printers, do not touch".into())
    );
    assert_eq!(rows[0].left, None);
}

#[tokio::test]
async fn a_permit_for_a_re_used_address_is_not_the_one_before() {
    let world = World::new().await;
    world.apply_one(world.permit(6, ANNS, 600)).await;
    assert!(matches!(
        world.apply_one(world.permit(7, ANNS, 30)).await,
        Applied::Done { handle: Some(_) }
    ));
    let list = world.permit_list();
    assert_eq!(list.len(), 1);
    assert!(
        list[0].1.ends_with("07 3") && list[0].2 == "30s",
        "{list:?}"
    );
}

#[tokio::test]
async fn one_dead_id_among_many_is_found_out() {
    for midway in [true, false] {
        let world = World::of(office().quirks(|it| it.bulk_stops_midway = midway)).await;
        let addresses: Vec<Ipv4Addr> = (0..10).map(|n| Ipv4Addr::new(10, 8, 1, n)).collect();
        let permits: Vec<Command> = addresses
            .iter()
            .map(|it| world.permit(7, *it, 600))
            .collect();
        let made = world.apply(&permits).await;
        world
            .apply_one(revoke(7, addresses[5], Some(handle(&made[5]))))
            .await;
        let revokes: Vec<Command> = addresses
            .iter()
            .zip(&made)
            .map(|(address, made)| revoke(7, *address, Some(handle(made))))
            .collect();
        let outcomes = world.apply(&revokes).await;
        assert_eq!(outcomes[5], Applied::AlreadySo);
        assert!(
            outcomes
                .iter()
                .all(|it| matches!(it, Applied::Done { .. } | Applied::AlreadySo))
        );
        assert_eq!(world.permit_list(), []);
    }
}

#[tokio::test]
async fn a_lease_lives_on_where_a_time_out_cannot_be_set() {
    let world = World::of(office().quirks(|it| it.timeout_can_be_set = false)).await;
    let made = world.apply_one(world.permit(7, ANNS, 600)).await;
    for _ in 0..3 {
        world.advance(Duration::from_secs(300));
        let renew = Command::Renew {
            session: session(7),
            address: Prefix::host(ANNS.into()),
            // The first id, though each renewal makes a new entry.
            known: handle(&made),
            lease: world.lease(600),
        };
        let renewed = world.apply_one(renew).await;
        assert!(
            matches!(renewed, Applied::Done { handle: Some(_) }),
            "{renewed:?}"
        );
        assert_eq!(world.permit_list()[0].2, "10m");
    }
    let again = revoke(7, ANNS, Some(handle(&made)));
    assert_eq!(world.apply_one(again).await, done());
    assert_eq!(world.permit_list(), []);
}

#[tokio::test]
async fn a_lapsed_lease_is_not_renewed() {
    let world = World::new().await;
    let made = world.apply_one(world.permit(7, ANNS, 30)).await;
    world.advance(Duration::from_secs(31));
    let renew = Command::Renew {
        session: session(7),
        address: Prefix::host(ANNS.into()),
        known: handle(&made),
        lease: world.lease(600),
    };
    assert!(reason(&world.apply_one(renew).await).contains("gone"));
    assert_eq!(world.permit_list(), []);
}

#[tokio::test]
async fn an_id_that_another_tunnel_took_is_not_cut() {
    let world = World::new().await;
    let line = world.sim.dial(Dial::new("ann", "pw")).unwrap();
    let ann = world.tunnels().await;
    line.hang_up();
    world.sim.dial(Dial::new("bob", "pw")).unwrap();
    assert_eq!(world.apply_one(cut(&ann[0])).await, Applied::AlreadySo);
    assert_eq!(world.sim.tunnel_count(), 1);
}

#[tokio::test]
async fn logins_and_rules_are_switched_and_nothing_else_of_them() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    for (comment, chain) in [
        ("ann 2FA", "forward"),
        ("twice 2FA", "forward"),
        ("twice 2FA", "input"),
    ] {
        let rule = ApiCommand::new("/ip/firewall/filter/add")
            .attribute("chain", chain)
            .attribute("action", "accept")
            .attribute("disabled", "yes")
            .attribute("comment", comment);
        administrator.call(rule).await.unwrap();
    }
    let all = Look {
        rules: Part::All,
        ..Look::default()
    };
    let rules = world.look(&all).await.rules.unwrap().rows;
    let shown: Vec<_> = rules.iter().map(|it| (&*it.comment, it.enabled)).collect();
    assert_eq!(
        shown,
        [
            ("ann 2FA", false),
            ("twice 2FA", false),
            ("twice 2FA", false)
        ]
    );

    let switch = |comment: &str, enabled| Command::SetRule {
        comment: comment.into(),
        known: None,
        enabled,
    };
    assert_eq!(world.apply_one(switch("ann 2FA", true)).await, done());
    assert_eq!(
        world.apply_one(switch("ann 2FA", true)).await,
        Applied::AlreadySo
    );
    let twice = world.apply_one(switch("twice 2FA", true)).await;
    assert!(reason(&twice).contains("not exactly one"));
    assert!(reason(&world.apply_one(switch("no 2FA", true)).await).contains("no rule"));

    let before = world.sim.rows("/ppp/secret");
    let disable = Command::SetAccount {
        source: SourceKind::PppSecrets,
        name: "ann".into(),
        enabled: false,
    };
    assert_eq!(world.apply_one(disable.clone()).await, done());
    assert_eq!(world.apply_one(disable).await, Applied::AlreadySo);
    let mut after = world.sim.rows("/ppp/secret");
    after[0].insert("disabled".into(), "false".into());
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_login_that_may_only_read_is_told_so() {
    let builder = office().user("reader", "pw", "read");
    let world = World::with(builder, |config| {
        config.user = "reader".into();
        config.password = mikro2fa_core::secret::Secret::new("pw");
    })
    .await;
    let refused = world.apply_one(world.permit(7, ANNS, 30)).await;
    assert!(reason(&refused).contains("permission"), "{refused:?}");
}

// ---- what goes wrong -----------------------------------------------------------------------------

#[tokio::test]
async fn a_lost_reply_is_neither_done_nor_failed() {
    let world = World::new().await;
    world.sim.inject(
        On::command("/ip/firewall/address-list/add").once(),
        Fault::LoseReply,
    );
    let permit = world.permit(7, ANNS, 600);
    let outcomes = world.hasty().apply(&world.fence(), &[permit]).await;
    assert_eq!(outcomes, Ok(vec![Applied::Unknown]));
    world.sim.until(|sim| sim.connection_count() == 0).await;
    // It was done; a new connection finds it by address and takes it away.
    assert_eq!(world.permit_list().len(), 1);
    assert_eq!(world.apply_one(revoke(7, ANNS, None)).await, done());
    assert_eq!(world.permit_list(), []);
}

#[tokio::test]
async fn a_late_command_is_found_after_it_was_given_up() {
    let world = World::new().await;
    let late = Fault::Late(Duration::from_secs(40));
    world
        .sim
        .inject(On::command("/ip/firewall/address-list/add").once(), late);
    let permit = world.permit(7, ANNS, 600);
    let outcomes = world.hasty().apply(&world.fence(), &[permit]).await;
    assert_eq!(outcomes, Ok(vec![Applied::Unknown]));
    assert_eq!(
        world.apply_one(revoke(7, ANNS, None)).await,
        Applied::AlreadySo
    );
    world.advance(Duration::from_secs(41));
    assert_eq!(world.permit_list().len(), 1, "it happened all the same");
    assert_eq!(world.apply_one(revoke(7, ANNS, None)).await, done());
}

#[tokio::test]
async fn of_a_batch_that_breaks_each_command_has_its_own_outcome() {
    let world = World::new().await;
    let adds = On::command("/ip/firewall/address-list/add");
    world.sim.inject(adds.skip(2).once(), Fault::CutAfter);
    let commands: Vec<Command> = (2..12)
        .map(|n| world.permit(7, Ipv4Addr::new(10, 8, 0, n), 600))
        .collect();
    let outcomes = world.apply(&commands).await;
    assert_eq!(outcomes.len(), 10);
    assert!(
        outcomes
            .iter()
            .all(|it| matches!(it, Applied::Done { .. } | Applied::Unknown))
    );
    assert!(outcomes.contains(&Applied::Unknown));
    let of_done = outcomes
        .iter()
        .filter(|it| matches!(it, Applied::Done { .. }))
        .count();
    assert!(world.permit_list().len() >= of_done);
}

#[tokio::test]
async fn a_look_that_is_not_answered_times_out_and_the_next_connects_anew() {
    let world = World::new().await;
    world
        .sim
        .inject(On::command("/ppp/active/print").once(), Fault::Stall);
    let hasty = world.hasty();
    let error = hasty.observe(&all_tunnels()).await.unwrap_err();
    assert_eq!(error, RouterError::TimedOut);
    let connections = |sim: &Simulator| {
        sim.commands()
            .iter()
            .filter(|it| it.command == "/login")
            .count()
    };
    assert_eq!(connections(&world.sim), 1);
    // On a busy machine this one, too, can take longer than the haste allows.
    while hasty.observe(&all_tunnels()).await.is_err() {}
    assert!(connections(&world.sim) > 1);
}

#[tokio::test]
async fn after_a_reboot_no_id_is_taken_for_what_it_was() {
    let world = World::new().await;
    let made = world.apply_one(world.permit(7, ANNS, 600)).await;
    world.sim.reboot();
    world.sim.until(|sim| sim.connection_count() == 0).await;
    // The first entry after the reboot gets the id that ours had.
    let administrator = world.administrator().await;
    let entry = ApiCommand::new("/ip/firewall/address-list/add")
        .attribute("list", "blocked")
        .attribute("address", "192.0.2.1");
    administrator.call(entry).await.unwrap();
    let outcome = world.apply_one(revoke(7, ANNS, Some(handle(&made)))).await;
    assert_eq!(outcome, Applied::AlreadySo);
    let others = world.sim.rows("/ip/firewall/address-list");
    assert!(others.iter().any(|row| row["list"] == "blocked"));
}

#[tokio::test]
async fn a_router_that_is_away_is_an_error_that_says_so_and_changes_nothing() {
    let world = World::new().await;
    world.sim.set_reachability(Reachability::Refusing);
    let commands = [world.permit(7, ANNS, 30)];
    let attempt = async || world.backend.apply(&world.fence(), &commands).await;
    let refused = "router cannot be reached: cannot connect to 127.0.0.1:";
    while !matches!(attempt().await, Err(error) if error.to_string().starts_with(refused)) {}
    world.sim.set_reachability(Reachability::Reachable);
    while let Err(error) = attempt().await {
        assert!(matches!(error, RouterError::Unreachable(_)), "{error}");
    }
    assert_eq!(world.permit_list().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_names_the_user_and_not_the_password() {
    let world = World::with(office(), |config| {
        config.password = mikro2fa_core::secret::Secret::new("hunter2");
    })
    .await;
    let error = world.backend.identify().await.unwrap_err();
    assert!(matches!(error, RouterError::LoginRefused(_)));
    let text = error.to_string();
    assert!(
        text.contains("mikro2fa") && text.contains("invalid user name or password"),
        "{text}"
    );
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn bytes_that_are_no_api_are_a_broken_protocol() {
    let world = World::new().await;
    let garbage = Fault::Garbage(b"\xF8HTTP/1.1 400 Bad Request".to_vec());
    world
        .sim
        .inject(On::command("/ppp/active/print").once(), garbage);
    let error = world.backend.observe(&all_tunnels()).await.unwrap_err();
    assert!(matches!(error, RouterError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_certificate_is_shown_pinned_and_held_to() {
    let world = World::over_tls(office()).await;
    let (address, fingerprint) = world::tls::front(world.sim.api_address()).await;
    let mut unknown = connection(&world.sim);
    unknown.transport = TransportKind::ApiTls;
    unknown.port = address.port();
    world.sim.clear_commands();
    let error = probe(&unknown).await.unwrap_err();
    assert!(matches!(error, RouterError::WrongIdentity(_)));
    let shown = fingerprint.to_string();
    assert!(
        error
            .to_string()
            .contains(&format!("the router shows {shown}")),
        "{error}"
    );
    assert_eq!(
        world.sent(),
        [""; 0],
        "nothing was sent to who is not known"
    );

    let mut pinned = unknown.clone();
    pinned.pins = vec!["00".repeat(32).into(), shown.to_uppercase().into()];
    probe(&pinned).await.unwrap();
    let mut other = unknown;
    other.pins = vec!["00".repeat(32).into()];
    let error = probe(&other).await.unwrap_err();
    assert!(matches!(error, RouterError::WrongIdentity(_)), "{error}");
    assert!(error.to_string().contains(&shown), "{error}");
}

#[tokio::test]
async fn a_router_is_probed_before_it_is_kept() {
    let world = World::of(office().identity("branch 4")).await;
    let identity = probe(&connection(&world.sim)).await.unwrap();
    assert_eq!(&*identity.name, "branch 4");
    world.sim.until(|sim| sim.connection_count() == 0).await;
    let mut old = connection(&world.sim);
    old.transport = TransportKind::Ssh;
    let error = probe(&old).await.unwrap_err();
    assert_eq!(error, RouterError::Unsupported("SSH comes later"));
}
