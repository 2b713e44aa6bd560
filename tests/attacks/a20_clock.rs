//! A20: clocks that are wrong, jump, or were turned back.

use std::time::Duration;

use mikro2fa_core::store::Store as _;

use crate::harness::{BOBS, Database, HOUR, MINUTE, Outcome, Town, Trouble, json, on_both};

on_both!(
    the_routers_clock_decides_nothing,
    our_clock_was_turned_back_while_we_were_dead,
    dead_over_the_end_of_a_session,
);

const DAY: i64 = 86_400;

/// Somebody sets the router's clock, or it has no battery: our end is our end.
async fn the_routers_clock_decides_nothing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let end = town.session().await?["expires_at"].clone();
    for date in [0, 1_700_000_000 + 3_650 * DAY, 1_700_000_000] {
        town.sim.set_date(date);
        town.advance(11 * MINUTE).await;
        assert!(town.reaches_office(&tunnel), "{date}");
        assert_eq!(town.session().await?["expires_at"], end, "{date}");
    }
    assert_eq!(town.questions(&town.ann).len(), 0, "the same tunnel still");
    town.advance(2 * HOUR).await;
    assert!(!town.reaches_office(&tunnel), "over, by our clock");
    town.until_ended("expired").await?;
    town.finish().await
}

/// What was written down is later than what the clock says now: nothing is opened or renewed until somebody vouches for it.
async fn our_clock_was_turned_back_while_we_were_dead(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ours = town.opened().await?;
    town.kill_engine().await?;
    let store = town.open_store().await?;
    let later = town.clock_now() + Duration::from_secs(7 * 86_400);
    let failed = |e: mikro2fa_core::store::StoreError| Trouble::new(e.to_string());
    store.touch_clock(later).await.map_err(failed)?;
    store.close().await.map_err(failed)?;
    town.start_again().await?;
    town.advance(11 * MINUTE).await;
    assert!(!town.reaches_office(&ours), "its lease is not renewed");
    let bobs = town.dials("bob", BOBS);
    let question = town.asked(&town.bob, BOBS).await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&bobs), "{:#?}", town.permits());
    assert!(town.permits().is_empty());
    let engine = town.engine().await.unwrap();
    let vouched = engine.trust_clock().await;
    vouched.map_err(|e| Trouble::new(e.to_string()))?;
    town.until_open(&bobs).await?;
    town.until_open(&ours).await?;
    town.finish().await
}

/// A machine that was asleep over the end of a session renews nothing when it wakes.
async fn dead_over_the_end_of_a_session(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let before = town.sim.commands().len();
    town.clock.suspend(Duration::from_secs(3 * 3_600));
    town.sim.advance(Duration::ZERO);
    assert!(!town.reaches_office(&tunnel), "the lease is over");
    town.advance(Duration::from_secs(5)).await;
    assert!(!town.reaches_office(&tunnel));
    town.until_ended("expired").await?;
    let opened = town.sim.commands();
    let opened = opened[before.min(opened.len())..]
        .iter()
        .filter(|command| command.command == "/ip/firewall/address-list/add");
    assert_eq!(opened.count(), 0, "nothing is opened for what is over");
    town.finish().await
}

/// The database hangs with the reminder on its way there, and the clock jumps over the session's end, which can't be written down either:
/// what no lease takes back is shut all the same. On SQLite only: whoever shares a database leaves a router alone that they cannot hold.
#[tokio::test]
async fn the_database_hangs_over_the_end_of_a_session() -> Outcome<()> {
    let town = Town::new(Database::Sqlite).await?;
    let rule = [
        ("chain", "forward"),
        ("action", "accept"),
        ("comment", "ann 2FA"),
        ("disabled", "yes"),
    ];
    town.by_hand("/ip/firewall/filter/add", &rule);
    let is_on = || {
        let mut rules = town.sim.rows("/ip/firewall/filter").into_iter();
        let rule = rules.find(|row| row.get("comment").is_some_and(|text| text == "ann 2FA"));
        rule.unwrap()["disabled"] == "false"
    };
    let account = town.account("ann")?.to_string();
    let gates = json!({ "gates": { "rules": [{ "comment": "ann 2FA", "account": account }] } });
    town.patch(&format!("routers/{}", town.router), gates)
        .await?;
    let tunnel = town.opened().await?;
    town.until_router("the rule is on", |_| is_on()).await?;
    town.settle().await;

    let lock = town.lock_database();
    town.clock.suspend(HOUR + 5 * MINUTE);
    // Its lease was over, and it is let in again: it still has most of an hour.
    town.sim.advance(Duration::ZERO);
    town.until_open(&tunnel).await?;
    town.clock.suspend(HOUR);
    town.sim.advance(Duration::ZERO);
    town.until_router("the rule is off", |_| !is_on()).await?;
    assert!(!town.reaches_office(&tunnel));
    drop(lock);
    town.until_ended("expired").await?;
    town.finish().await
}
