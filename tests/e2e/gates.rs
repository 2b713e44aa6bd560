//! The gates beside the address list, and what people do on the router by hand.

use crate::harness::{Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, json, on_both};

on_both!(
    account_gate,
    rule_gate,
    permit_removed_by_hand,
    login_disabled_by_hand,
    foreign_entry_is_told_and_left,
);

async fn account_gate(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.account = json!({ "handed_over": true })
    })
    .await?;
    town.until_router("the logins are shut", |_| town.login_is_disabled("ann"))
        .await?;
    assert!(
        town.dial("ann", HOME).is_err(),
        "no login without a request"
    );
    let tunnel = town.opened().await?;
    assert!(!town.login_is_disabled("ann"));
    tunnel.hang_up();
    town.advance(2 * MINUTE).await;
    town.until_ended("tunnel_gone").await?;
    town.until_router("the login is shut again", |_| town.login_is_disabled("ann"))
        .await?;
    town.settle().await;
    town.finish().await
}

async fn rule_gate(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let rule = [
        ("chain", "forward"),
        ("action", "accept"),
        ("comment", "ann 2FA"),
        ("disabled", "yes"),
    ];
    town.by_hand("/ip/firewall/filter/add", &rule);
    let disabled = || {
        let rows = town.sim.rows("/ip/firewall/filter");
        let row = rows
            .iter()
            .find(|row| row.get("comment").is_some_and(|text| text == "ann 2FA"));
        let row = row.unwrap().get("disabled").cloned();
        matches!(row.as_deref(), Some("true" | "yes"))
    };
    let account = town.account("ann")?.to_string();
    let gates = json!({ "gates": { "rules": [{ "comment": "ann 2FA", "account": account }] } });
    town.patch(&format!("routers/{}", town.router), gates)
        .await?;
    town.settle().await;
    assert!(disabled());
    town.request().await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    assert!(disabled(), "shut until the answer");
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_router("the rule is enabled", |_| !disabled())
        .await?;
    town.until_open(&tunnel).await?;
    town.advance(2 * HOUR + MINUTE).await;
    town.until_router("the rule is disabled", |_| disabled())
        .await?;
    town.until_cut(&tunnel).await?;
    town.finish().await
}

async fn permit_removed_by_hand(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let permit = town.permits()[0][".id"].clone();
    town.by_hand("/ip/firewall/address-list/remove", &[(".id", &permit)]);
    assert!(!town.reaches_office(&tunnel));
    town.advance(10 * MINUTE).await;
    town.until_ended("disabled_on_router").await?;
    assert!(town.permits().is_empty(), "taken by hand, left so");
    assert!(!town.reaches_office(&tunnel));
    town.reads(&town.olga, "Switched off on office, left off")
        .await?;
    town.finish().await
}

async fn login_disabled_by_hand(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.account = json!({ "handed_over": true })
    })
    .await?;
    let tunnel = town.opened().await?;
    let id = town.row_id("/ppp/secret", "name", "ann");
    town.by_hand("/ppp/secret/set", &[(".id", &id), ("disabled", "yes")]);
    town.advance(2 * HOUR).await;
    assert!(town.login_is_disabled("ann"), "never enabled again by us");
    assert!(!town.reaches_office(&tunnel));
    town.until_ended("disabled_on_router").await?;
    town.finish().await
}

async fn foreign_entry_is_told_and_left(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let permit = town.sim.names().permit.clone();
    let entry = [
        ("list", &*permit),
        ("address", "10.8.99.1"),
        ("comment", "printer"),
    ];
    town.by_hand("/ip/firewall/address-list/add", &entry);
    town.advance(HOUR + MINUTE).await;
    town.reads(&town.olga, "Foreign entry on the permit list")
        .await?;
    assert_eq!(town.permits().len(), 1, "not ours: left as it is");
    let thief = town.dials("ann", ELSEWHERE);
    assert!(!town.reaches_office(&thief));
    town.finish().await
}
