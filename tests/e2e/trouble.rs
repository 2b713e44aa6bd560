//! Routers that are away, slow, cut off in the middle, rebooted, and what mikro2fa makes of it.

use std::time::Duration;

use crate::harness::{
    Database, ELSEWHERE, Fault, HOME, MINUTE, On, Outcome, RouterOptions, Town, TunnelHandle, json,
    on_both,
};

on_both!(
    router_away_at_the_tap,
    cut_off_in_the_middle_of_a_permit,
    reply_lost_after_the_permit_was_added,
    permit_that_is_carried_out_late,
    router_reboots,
    expiry_while_the_router_is_away,
    wrong_password_and_unreachable_router,
    several_routers_at_once,
);

const PERMIT: &str = "/ip/firewall/address-list/add";

async fn router_away_at_the_tap(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    town.unplug();
    town.tap(&town.ann, &question, "Yes").await?;
    town.reads(&town.ann, "Your answer is kept").await?;
    assert!(!town.reaches_office(&tunnel));
    town.plug();
    town.advance(MINUTE).await;
    town.until_open(&tunnel).await?;
    town.reads(&town.ann, "Open:").await?;
    town.finish().await
}

async fn cut_off_in_the_middle_of_a_permit(on: Database) -> Outcome<()> {
    opens_in_spite_of(on, Fault::CutBefore).await
}

async fn reply_lost_after_the_permit_was_added(on: Database) -> Outcome<()> {
    opens_in_spite_of(on, Fault::CutAfter).await
}

async fn opens_in_spite_of(on: Database, fault: Fault) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    town.sim.inject(On::command(PERMIT).once(), fault);
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_sessions("the outcome is known to be unknown", |_| {
        town.sim.commands().iter().any(|c| c.fault.is_some())
    })
    .await?;
    town.advance(2 * MINUTE).await;
    town.until_state("active").await?;
    town.until_open(&tunnel).await?;
    town.settle().await;
    assert_eq!(town.permits().len(), 1, "applied twice, there once");
    town.finish().await
}

async fn permit_that_is_carried_out_late(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let (tunnel, question) = asked(&town).await?;
    let late = Fault::Late(Duration::from_secs(20));
    town.sim.inject(On::command(PERMIT).once(), late);
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_router("the permit is on its way", |sim| {
        sim.commands().iter().any(|c| c.fault == Some("late"))
    })
    .await?;
    // Its answer never comes. While it is under way, the tunnel goes and bob gets its address.
    town.sim.cut_connections();
    tunnel.hang_up();
    let bobs = town.dials("bob", ELSEWHERE);
    town.advance(Duration::from_secs(25)).await;
    town.until_router("the late permit is undone", |_| !town.reaches_office(&bobs))
        .await?;
    town.settle().await;
    for _ in 0..4 {
        town.advance(Duration::from_secs(15)).await;
        assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    }
    town.finish().await
}

async fn router_reboots(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let before = town.opened().await?;
    town.sim.reboot();
    assert!(!before.is_up());
    let thief = town.dials("ann", ELSEWHERE);
    assert!(!town.reaches_office(&thief));
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&thief), "also after the next look");
    assert!(town.permits().is_empty());
    town.finish().await
}

async fn expiry_while_the_router_is_away(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["session_duration"] = json!(1_800);
        options.policy["reminder_before"] = json!(300);
    })
    .await?;
    let tunnel = town.opened().await?;
    town.advance(25 * MINUTE).await;
    town.unplug();
    town.advance(10 * MINUTE).await;
    assert!(
        !town.reaches_office(&tunnel),
        "the lease never goes beyond the end"
    );
    assert_eq!(town.session().await?["ended"]["reason"], "expired");
    town.plug();
    town.advance(2 * MINUTE).await;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

async fn wrong_password_and_unreachable_router(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let api = town.sim.api_address();
    let router = |port: u16, password: &str| {
        json!({
            "name": "branch", "host": api.ip().to_string(), "port": port, "transport": "api", "user": "mikro2fa",
            "password": password,
        })
    };
    let post = reqwest::Method::POST;
    let wrong = router(api.port(), "no such password");
    let (status, said) = town.answer(post.clone(), "routers", Some(wrong)).await?;
    assert_eq!(status, 422, "{said}");
    let said = said.to_string();
    assert!(
        said.contains("password") && !said.contains("no such password"),
        "{said}"
    );

    // A port that was somebody's a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(trouble)?;
    let port = listener.local_addr().map_err(trouble)?.port();
    drop(listener);
    let nowhere = router(port, "daily-secret");
    let (status, said) = town.answer(post, "routers", Some(nowhere)).await?;
    assert_eq!(status, 422, "{said}");
    let routers = town.get("routers").await?;
    assert_eq!(
        routers["rows"].as_array().map(Vec::len),
        Some(1),
        "nothing was kept"
    );

    // A password that is changed on the router under way.
    let tunnel = town.opened().await?;
    let id = town.row_id("/user", "name", "mikro2fa");
    town.by_hand("/user/set", &[(".id", &id), ("password", "changed")]);
    town.sim.cut_connections();
    town.advance(12 * MINUTE).await;
    assert!(!town.reaches_office(&tunnel), "nobody renews the lease");
    assert_eq!(town.status().await.reachable, Some(false));
    let path = format!("routers/{}", town.router);
    town.patch(&path, json!({ "password": "changed" })).await?;
    town.advance(MINUTE).await;
    town.until_open(&tunnel).await?;
    town.finish().await
}

async fn several_routers_at_once(on: Database) -> Outcome<()> {
    let mut town = Town::new(on).await?;
    let mut sites = Vec::new();
    for name in ["east", "west"] {
        let options = RouterOptions::named(name);
        let simulator = options.simulator.account("bob", crate::harness::PASSWORD);
        let options = RouterOptions {
            simulator,
            ..options
        };
        let site = town.add_router(name, options).await?;
        let person = format!("Bob of {name}");
        let phone = town
            .telegram
            .user(2_000 + sites.len() as i64, &person, None, Some("en"));
        let world = town.world_mut();
        world.add_user(&person).await?;
        world
            .add_account(&site.id, "bob", &person, json!({}))
            .await?;
        world.link(&person, &phone).await?;
        sites.push((site, phone));
    }
    let anns = town.opened().await?;
    let mut tunnels = Vec::new();
    for (site, phone) in &sites {
        let dial = crate::harness::Dial::new("bob", crate::harness::PASSWORD);
        let tunnel = site.sim.dial(dial.from(HOME)).map_err(trouble)?;
        let question = town.asked(phone, "Not requested").await?;
        tunnels.push((tunnel, question));
    }
    let passes = |index: usize| {
        let flow = crate::harness::Flow::between(&tunnels[index].0, crate::harness::FILES).tcp(445);
        sites[index].0.sim.would_pass(&flow).passes()
    };
    town.tap(&sites[0].1, &tunnels[0].1, "Yes").await?;
    sites[0].0.sim.until(|_| passes(0)).await;
    assert!(!passes(1), "one router's answer opens nothing on another");
    sites[0]
        .0
        .sim
        .set_reachability(crate::harness::Reachability::Refusing);
    sites[0].0.sim.cut_connections();
    town.tap(&sites[1].1, &tunnels[1].1, "Yes").await?;
    sites[1].0.sim.until(|_| passes(1)).await;
    town.advance(12 * MINUTE).await;
    assert!(!passes(0), "nobody renews there");
    assert!(passes(1) && town.reaches_office(&anns), "the others go on");
    town.finish().await
}

fn trouble(error: impl std::fmt::Display) -> crate::harness::Trouble {
    crate::harness::Trouble::new(error.to_string())
}

async fn asked(town: &Town) -> Outcome<(TunnelHandle, crate::harness::FakeMessage)> {
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    Ok((tunnel, question))
}
