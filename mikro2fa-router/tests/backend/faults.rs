//! What goes wrong: lost replies, late commands, reboots, wrong passwords and certificates.

use super::*;

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
    let world = World::of(office()).await;
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
}
