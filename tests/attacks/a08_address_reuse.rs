//! A8: the address of a confirmed tunnel goes to somebody else while its permit is still on the router.

use std::time::Duration;

use crate::harness::{
    BOBS, Database, ELSEWHERE, FILES, Flow, MINUTE, Outcome, Town, TunnelHandle, on_both,
};

on_both!(
    at_the_same_moment,
    while_mikro2fa_is_dead,
    by_either_of_the_two_lines,
    while_the_router_is_out_of_reach,
    without_the_routers_own_hand_over,
    running_connections_do_not_go_with_the_address,
);

/// One address for all: whoever dials next has it.
async fn town(on: Database) -> Outcome<Town> {
    Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.pool("10.8.0.2-10.8.0.2");
    })
    .await
}

/// Ann goes, Bob comes, in the same moment: nobody had the time to look.
fn hand_over(town: &Town, anns: &TunnelHandle) -> TunnelHandle {
    let address = anns.address();
    assert!(address.is_some());
    anns.hang_up();
    let bobs = town.dials("bob", BOBS);
    assert_eq!(bobs.address(), address, "the very same address");
    bobs
}

/// The router itself takes the permit away, in the profile's own scripts: there is no window at all.
async fn at_the_same_moment(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let anns = town.opened().await?;
    let bobs = hand_over(&town, &anns);
    assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    bobs.hang_up();
    let again = town.dials("ann", ELSEWHERE);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&again), "another caller: asked");
    town.finish().await
}

async fn while_mikro2fa_is_dead(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let anns = town.opened().await?;
    town.kill_engine().await?;
    let bobs = hand_over(&town, &anns);
    assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    town.advance(MINUTE).await;
    town.start_again().await?;
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.finish().await
}

/// The address is closed where it is given up and where it is taken over: either does it alone, with nobody alive to look.
async fn by_either_of_the_two_lines(on: Database) -> Outcome<()> {
    for taken in ["on-up", "on-down"] {
        let town = town(on).await?;
        let anns = town.opened().await?;
        town.kill_engine().await?;
        let profile = town.sim.names().profile.clone();
        let id = town.row_id("/ppp/profile", "name", &profile);
        town.by_hand("/ppp/profile/set", &[(".id", &id), (taken, "")]);
        assert!(town.reaches_office(&anns), "the lease still runs");
        let bobs = hand_over(&town, &anns);
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
        let download = Flow::between(&bobs, FILES).tcp(445);
        assert!(!town.sim.would_pass(&download.established()).passes());
        assert!(town.permits().is_empty(), "{:#?}", town.permits());
        town.start_again().await?;
        town.finish().await?;
    }
    Ok(())
}

async fn while_the_router_is_out_of_reach(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let anns = town.opened().await?;
    town.unplug();
    let bobs = hand_over(&town, &anns);
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.plug();
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.finish().await
}

/// Where somebody has taken those scripts away, the next look closes it: the window is one look long.
async fn without_the_routers_own_hand_over(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let profile = town.sim.names().profile.clone();
    let id = town.row_id("/ppp/profile", "name", &profile);
    let none = [(".id", &*id), ("on-up", ""), ("on-down", "")];
    town.by_hand("/ppp/profile/set", &none);
    let anns = town.opened().await?;
    let bobs = hand_over(&town, &anns);
    assert!(
        town.reaches_office(&bobs),
        "without the scripts it is open until somebody looks, or this test shows nothing"
    );
    town.until_shut(&bobs).await?;
    for _ in 0..6 {
        town.advance(Duration::from_secs(10)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.finish().await
}

/// What Ann had open is established for the router; Bob's packets with her address are not part of it for long.
async fn running_connections_do_not_go_with_the_address(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let anns = town.opened().await?;
    let download = Flow::between(&anns, FILES).tcp(445);
    assert!(town.sim.send(&download.clone()).passes());
    assert!(town.sim.would_pass(&download.established()).passes());
    let bobs = hand_over(&town, &anns);
    let taken_over = Flow::between(&bobs, FILES).tcp(445);
    assert!(
        !town
            .sim
            .would_pass(&taken_over.clone().established())
            .passes()
    );
    assert!(!town.sim.would_pass(&taken_over).passes());
    let answers = Flow::between(FILES, &bobs).tcp(50_000);
    assert!(!town.sim.would_pass(&answers.established()).passes());
    town.advance(MINUTE).await;
    town.finish().await
}
