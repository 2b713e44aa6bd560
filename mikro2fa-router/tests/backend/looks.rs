//! What a look sees, on each version.

use super::*;

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

#[tokio::test]
async fn a_user_manager_is_found_by_looking() {
    for version in [Version::V6_49, Version::V7_12, Version::V7_22] {
        for there in [false, true] {
            let world = World::of(office().version(version).user_manager(there)).await;
            let all = Look {
                accounts: Part::All,
                ..Look::default()
            };
            // It is asked for once a connection, whether or not anybody asked what the router is.
            for _ in 0..2 {
                assert_eq!(world.look(&all).await.accounts.unwrap().rows.len(), 3);
            }
            let sent = world.sent();
            let asked = |what: &str| sent.iter().filter(|it| *it == what).count();
            assert_eq!(asked("/system/package/print"), 1, "{version}");
            let users = if version.major == 6 {
                "/tool/user-manager/user/print"
            } else {
                "/user-manager/user/print"
            };
            assert_eq!(asked(users), if there { 2 } else { 0 }, "{version}");
            let identity = world.backend.identify().await.unwrap();
            assert_eq!(identity.capabilities.user_manager, there);
            // A new connection may be to a router that was given one meanwhile.
            world.sim.cut_connections();
            world.look(&all).await;
            assert!(world.sent().contains(&"/system/package/print".to_owned()));
        }
    }
}

#[tokio::test]
async fn ghosts_of_a_user_manager_are_no_tunnels() {
    let world = World::of(office().user_manager_account("uma", "pw")).await;
    world.sim.lose_accounting_stops(true);
    world.sim.dial(Dial::new("uma", "pw")).unwrap().hang_up();
    assert_eq!(world.sim.rows("/user-manager/session")[0]["active"], "true");
    assert!(world.tunnels().await.is_empty());
    // Asking to close it does nothing, and says why.
    let close = Command::CloseSessions {
        account: "uma".into(),
        address: [10, 8, 0, 2].into(),
    };
    assert!(reason(&world.apply_one(close).await).contains("accept=no"));
}

#[tokio::test]
async fn a_session_is_closed_where_the_router_hears_of_it() {
    for (accept, port, closed) in [
        ("yes", "3799", true),
        ("yes", "1700", false),
        ("no", "3799", false),
    ] {
        let world = World::of(office().user_manager_account("uma", "pw")).await;
        let incoming = ApiCommand::new("/radius/incoming/set")
            .attribute("accept", accept)
            .attribute("port", port);
        world.administrator().await.call(incoming).await.unwrap();
        let tunnel = world.sim.dial(Dial::new("uma", "pw")).unwrap();
        let close = Command::CloseSessions {
            account: "uma".into(),
            address: tunnel.address().unwrap(),
        };
        let outcome = world.apply_one(close).await;
        assert_eq!(outcome == done(), closed, "{outcome:?}");
        assert_eq!(tunnel.is_up(), !closed);
    }
}
