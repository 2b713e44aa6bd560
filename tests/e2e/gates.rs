//! The gates beside the address list, and what people do on the router by hand.

use std::net::IpAddr;

use mikro2fa_router::simulator::Flow;

use crate::harness::{Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, json, on_both};

on_both!(
    account_gate,
    rule_gate,
    networks_behind_a_login,
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

async fn networks_behind_a_login(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let behind = [
        (".id", "ann"),
        ("routes", "10.9.0.0/24 10.8.0.2 1"),
        ("remote-ipv6-prefix", "2001:db8:7::/64"),
    ];
    town.by_hand("/ppp/secret/set", &behind);
    let tunnel = town.opened().await?;
    let server: IpAddr = [192, 168, 88, 10].into();
    let six: IpAddr = "2001:db8:ffff::1".parse().unwrap();
    let flows = [
        Flow::between(&tunnel, server).spoofing([10, 9, 0, 7].into()),
        Flow::between(server, [10, 9, 0, 7]),
        Flow::between(&tunnel, six),
        Flow::between(six, "2001:db8:7::9".parse::<IpAddr>().unwrap()).established(),
    ];
    town.until_router("what is behind her passes", |sim| {
        flows.iter().all(|flow| sim.would_pass(flow).passes())
    })
    .await?;
    // Taken away on the router, it is no longer let through.
    town.by_hand("/ppp/secret/set", &[(".id", "ann"), ("routes", "")]);
    town.advance(6 * MINUTE).await;
    town.until_router("only that is shut", |sim| {
        let [there, back, six, six_back] = flows.each_ref().map(|flow| sim.would_pass(flow));
        there.is_dropped() && back.is_dropped() && six.passes() && six_back.passes()
    })
    .await?;
    tunnel.hang_up();
    town.advance(2 * MINUTE).await;
    town.until_router("nothing of hers is permitted", |sim| {
        let lists = ["/ip/firewall/address-list", "/ipv6/firewall/address-list"];
        let mut rows = lists.iter().flat_map(|menu| sim.rows(menu));
        rows.all(|row| row["list"] != "mikro2fa-permit")
    })
    .await?;
    town.settle().await;
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
