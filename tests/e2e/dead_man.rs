//! What lies on a router's flash has no lease: bound rules and handed-over logins. mikro2fa is killed, and the router switches them
//! off by itself.

use std::time::Duration;

use mikro2fa_core::{
    desk::{RouterConnection, TransportKind},
    secret::Secret,
};
use mikro2fa_router::{
    Api, ApiConfig,
    gate::Guarded,
    prepare::{Choices, Login, MemoryJournal, Subscribers, apply, plan},
    simulator::Happening,
    survey::Survey,
    transport::Transport as _,
};

use crate::harness::{Database, HOUR, MINUTE, Outcome, Town, json, on_both};

on_both!(
    a_rule_goes_off_with_nobody_alive,
    a_login_goes_off_with_nobody_alive,
    what_is_kept_goes_off_at_its_end,
    a_reboot_is_refilled,
    a_router_out_of_reach_shuts_by_itself_as_well,
    what_is_off_by_hand_is_not_the_routers_doing,
    what_is_kept_was_switched_off_by_hand,
);

/// The office's router is prepared once more, with what it has to switch off.
async fn prepare(town: &Town, guarded: Guarded) {
    let connection = RouterConnection {
        host: "127.0.0.1".into(),
        port: town.sim.api_address().port(),
        transport: TransportKind::Api,
        user: "admin".into(),
        password: Secret::new(town.sim.admin_password()),
        pins: Vec::new(),
    };
    let login = Login {
        transport: TransportKind::Api,
        password: Secret::new(town.sim.daily_password()),
        works: true,
        from: Some("127.0.0.1/32".into()),
    };
    let choices = Choices {
        names: town.sim.names().clone(),
        subscribers: Subscribers::Cover,
        guarded,
        ..Choices::new("admin", login)
    };
    let line = Api::new(ApiConfig::of(&connection).unwrap());
    let line = line.connect().await.unwrap();
    let mut survey = Survey::read(&line, &choices.names).await.unwrap();
    let plan = plan(&survey, &choices);
    let journal = MemoryJournal::default();
    apply(
        &line,
        &mut survey,
        &choices.names,
        &plan,
        &journal,
        &mut |_| (),
    )
    .await
    .unwrap();
}

fn rule_is_off(town: &Town) -> bool {
    let rows = town.sim.rows("/ip/firewall/filter");
    let row = rows
        .iter()
        .find(|row| row.get("comment").is_some_and(|text| text == "ann 2FA"));
    let disabled = row.unwrap().get("disabled").map(String::as_str);
    matches!(disabled, Some("true" | "yes"))
}

async fn with_a_rule(town: &Town) -> Outcome<()> {
    let rule = [
        ("chain", "forward"),
        ("action", "accept"),
        ("comment", "ann 2FA"),
        ("disabled", "yes"),
    ];
    town.by_hand("/ip/firewall/filter/add", &rule);
    let account = town.account("ann")?.to_string();
    let gates = json!({ "gates": { "rules": [{ "comment": "ann 2FA", "account": account }] } });
    town.patch(&format!("routers/{}", town.router), gates)
        .await?;
    let guarded = Guarded {
        rules: ["ann 2FA".into()].into(),
        ..Guarded::default()
    };
    prepare(town, guarded).await;
    town.settle().await;
    Ok(())
}

/// Nothing that the router ran by itself went wrong.
fn no_failures(town: &Town) {
    let events = town.sim.events();
    let failed =
        |it: &&mikro2fa_router::simulator::Event| matches!(it.what, Happening::ScriptFailed { .. });
    let failed: Vec<_> = events.iter().filter(failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Its owner and the operators are told what shut it.
async fn the_router_did_it(town: &Town, what: &str) -> Outcome<()> {
    town.until_ended("shut_by_router").await?;
    town.reads(&town.ann, "The router closed it: mikro2fa")
        .await?;
    town.reads(&town.olga, "office switched off by itself")
        .await?;
    town.reads(&town.olga, what).await?;
    assert_eq!(town.sent(&town.olga, "left off"), 0, "by nobody's hand");
    assert_eq!(town.sent(&town.ann, "administrator switched"), 0);
    Ok(())
}

/// Somebody switched it off.
async fn somebody_did_it(town: &Town) -> Outcome<()> {
    town.until_ended("disabled_on_router").await?;
    town.reads(&town.ann, "An administrator switched it off")
        .await?;
    town.reads(&town.olga, "Switched off on office, left off")
        .await?;
    assert_eq!(town.sent(&town.olga, "by itself"), 0);
    Ok(())
}

fn switch_off_by_hand(town: &Town) {
    let id = town.row_id("/ip/firewall/filter", "comment", "ann 2FA");
    let off = [(".id", &*id), ("disabled", "yes")];
    town.by_hand("/ip/firewall/filter/set", &off);
}

async fn a_rule_goes_off_with_nobody_alive(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    with_a_rule(&town).await?;
    let tunnel = town.opened().await?;
    assert!(!rule_is_off(&town));
    for _ in 0..30 {
        town.advance(MINUTE).await;
        assert!(!rule_is_off(&town), "as long as we live");
    }
    town.kill_engine().await?;
    town.advance(4 * MINUTE).await;
    assert!(!rule_is_off(&town), "the lease still runs");
    town.advance(8 * MINUTE).await;
    assert!(rule_is_off(&town), "by the router alone");
    assert!(!town.reaches_office(&tunnel));
    no_failures(&town);

    // More closed than wanted is respected: it takes a new request. Nobody did it by hand, and nobody reads so.
    town.start_again().await?;
    the_router_did_it(&town, "ann 2FA").await?;
    assert!(rule_is_off(&town));
    tunnel.hang_up();
    town.advance(MINUTE).await;
    let again = town.opened().await?;
    assert!(!rule_is_off(&town));
    town.advance(15 * MINUTE).await;
    assert!(!rule_is_off(&town) && town.reaches_office(&again));
    town.finish().await
}

async fn a_login_goes_off_with_nobody_alive(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.account = json!({ "handed_over": true })
    })
    .await?;
    let guarded = Guarded {
        secrets: ["ann".into(), "bob".into()].into(),
        ..Guarded::default()
    };
    prepare(&town, guarded).await;
    let tunnel = town.opened().await?;
    town.advance(25 * MINUTE).await;
    assert!(!town.login_is_disabled("ann"), "as long as we live");
    town.kill_engine().await?;
    town.advance(12 * MINUTE).await;
    assert!(town.login_is_disabled("ann"), "by the router alone");
    tunnel.hang_up();
    assert!(town.dial("ann", crate::harness::HOME).is_err());
    no_failures(&town);
    town.start_again().await?;
    the_router_did_it(&town, "ann").await?;
    town.advance(Duration::from_secs(30)).await;
    assert!(town.login_is_disabled("ann"), "nobody asked for it");
    town.finish().await
}

/// A router that starts again switches off before anybody can tell it that we live. Who resumes is not made to ask anew.
async fn a_reboot_is_refilled(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    with_a_rule(&town).await?;
    town.opened().await?;
    town.advance(5 * MINUTE).await;
    town.unplug();
    town.sim.reboot();
    town.advance(Duration::from_secs(5)).await;
    assert!(rule_is_off(&town), "nobody has told it yet");
    let again = town.dials("ann", crate::harness::HOME);
    town.plug();
    town.advance(Duration::from_secs(31)).await;
    town.until_open(&again).await?;
    town.until_router("the rule is on again", |_| !rule_is_off(&town))
        .await?;
    town.advance(30 * MINUTE).await;
    assert!(!rule_is_off(&town) && town.reaches_office(&again));
    assert_eq!(town.sent(&town.ann, "Was it you?"), 1, "asked once");
    town.finish().await
}

/// `outage` = `keep_confirmed`: the switch waits as long as the permit does, and no longer.
async fn what_is_kept_goes_off_at_its_end(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["outage"] = json!("keep_confirmed");
    })
    .await?;
    with_a_rule(&town).await?;
    let tunnel = town.opened().await?;
    town.settle().await;
    town.kill_engine().await?;
    town.advance(HOUR).await;
    assert!(!rule_is_off(&town) && town.reaches_office(&tunnel));
    town.advance(HOUR + 2 * MINUTE).await;
    assert!(rule_is_off(&town) && !town.reaches_office(&tunnel));
    town.start_again().await?;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

/// mikro2fa lives, and the router does not hear it.
async fn a_router_out_of_reach_shuts_by_itself_as_well(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    with_a_rule(&town).await?;
    let tunnel = town.opened().await?;
    town.unplug();
    town.advance(12 * MINUTE).await;
    assert!(rule_is_off(&town), "by the router alone");
    town.plug();
    town.advance(MINUTE).await;
    the_router_did_it(&town, "ann 2FA").await?;
    assert!(!town.reaches_office(&tunnel));
    // Heard again, it is a hand's doing from now on.
    tunnel.hang_up();
    town.advance(2 * MINUTE).await;
    town.opened().await?;
    switch_off_by_hand(&town);
    town.advance(MINUTE).await;
    town.until_ended("disabled_on_router").await?;
    town.finish().await
}

/// Dead for less than the switch waits, and somebody was at work meanwhile.
async fn what_is_off_by_hand_is_not_the_routers_doing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    with_a_rule(&town).await?;
    town.opened().await?;
    town.kill_engine().await?;
    town.advance(2 * MINUTE).await;
    assert!(!rule_is_off(&town), "the lease still runs");
    switch_off_by_hand(&town);
    town.start_again().await?;
    somebody_did_it(&town).await?;
    town.finish().await
}

/// Where a confirmed session is to outlive us the switch waits for its end: dead for longer than a lease is no reason then.
async fn what_is_kept_was_switched_off_by_hand(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["outage"] = json!("keep_confirmed");
    })
    .await?;
    with_a_rule(&town).await?;
    town.opened().await?;
    town.settle().await;
    town.kill_engine().await?;
    town.advance(HOUR).await;
    switch_off_by_hand(&town);
    town.start_again().await?;
    somebody_did_it(&town).await?;
    town.finish().await
}
