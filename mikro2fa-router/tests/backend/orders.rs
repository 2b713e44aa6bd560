//! What orders do, and what they leave alone.

use super::*;

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
