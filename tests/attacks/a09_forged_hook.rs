//! A9: somebody calls the webhook who is not the router, or from the quarantine.

use std::time::Duration;

use mikro2fa_core::{
    directory::{DeskChange, Digest},
    store::StoreError,
    tunnel::Text,
};

use crate::harness::{
    BOBS, Database, ELSEWHERE, FILES, Flow, HOME, MINUTE, Outcome, Town, Trouble, json, on_both,
};

on_both!(
    a_call_changes_nothing,
    a_flood_of_calls_costs_few_looks,
    another_routers_key,
    calls_cost_few_looks_into_the_database,
    quarantine_reaches_no_listener,
);

/// A fresh key of the office's router.
async fn key(town: &Town, router: &str) -> Outcome<String> {
    let path = format!("routers/{router}/hook-key");
    let key = town.post(&path, json!({})).await?;
    Ok(key["key"].as_str().unwrap().to_owned())
}

async fn call(town: &Town, key: Option<&str>, body: String) -> Outcome<u16> {
    let url = format!("{}/hook/ppp", town.hook_url().await?);
    let mut call = reqwest::Client::new().post(&url).body(body);
    if let Some(key) = key {
        call = call.header("X-Hook-Key", key);
    }
    let answer = call.send().await;
    answer
        .map(|answer| answer.status().as_u16())
        .map_err(|e| Trouble::new(e.to_string()))
}

/// Whatever a call says: a tunnel that isn't there, one that is gone, one that was confirmed. The router is looked at.
async fn a_call_changes_nothing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let key = key(&town, &town.router).await?;
    let ours = town.opened().await?;
    let thief = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    town.settle().await;
    let address = thief.address().unwrap().to_string();
    let before = town.sessions().await?;
    for body in [
        json!({ "event": "up", "user": "bob", "remote-address": address, "confirmed": true }),
        json!({ "event": "confirmed", "user": "bob", "remote-address": address }),
        json!({ "event": "down", "user": "ann", "remote-address": ours.address().unwrap().to_string() }),
        json!({ "event": "up", "user": "ann", "caller-id": ELSEWHERE, "remote-address": "10.8.0.77" }),
        json!([]),
    ] {
        assert_eq!(call(&town, Some(&key), body.to_string()).await?, 204);
        assert_eq!(call(&town, None, body.to_string()).await?, 401);
        assert_eq!(call(&town, Some("m2fh_x"), body.to_string()).await?, 401);
    }
    town.settle().await;
    assert_eq!(town.sessions().await?, before);
    assert!(!town.reaches_office(&thief));
    assert!(town.reaches_office(&ours), "not ended by a forged down");
    town.finish().await
}

/// The router is the slow part. Looks keep their distance however often somebody calls, and what is new is still seen.
async fn a_flood_of_calls_costs_few_looks(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let key = key(&town, &town.router).await?;
    let seldom = json!({ "poll_interval": 3_600 });
    town.patch(&format!("routers/{}", town.router), seldom)
        .await?;
    town.settle().await;
    let before = town.sim.commands().len();
    let began = town.clock_now();
    // As fast as they come, over few connections: spread over seconds, the router's budget would hide what hints cost. So would looks
    // that serve several of them: each few are followed by theirs.
    let (client, url) = (reqwest::Client::new(), town.hook_url().await?);
    for _ in 0..60 {
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..5 {
            let call = client.post(format!("{url}/hook/ppp"));
            calls.spawn(call.header("X-Hook-Key", &*key).send());
        }
        for answer in calls.join_all().await {
            let answer = answer.map_err(|e| Trouble::new(e.to_string()))?;
            assert_eq!(answer.status().as_u16(), 204);
        }
        town.settle().await;
    }
    let took = town.clock_now().since(began);
    let commands = town.sim.commands().len() - before;
    // A look is a command or two; twenty in a row, and four a second.
    let most = 2 * (21 + usize::try_from(took.as_millis() / 250).unwrap());
    assert!(commands <= most, "{commands} commands in {took:?}");
    let thief = town.dials("ann", ELSEWHERE);
    assert_eq!(call(&town, Some(&key), String::new()).await?, 204);
    town.advance(Duration::from_secs(2)).await;
    town.asked(&town.ann, ELSEWHERE).await?;
    assert!(!town.reaches_office(&thief));
    town.finish().await
}

/// A key is good for its own router, and an old one for none.
async fn another_routers_key(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let old = key(&town, &town.router).await?;
    let new = key(&town, &town.router).await?;
    town.advance(Duration::from_secs(5)).await;
    assert_eq!(call(&town, Some(&old), String::new()).await?, 401);
    assert_eq!(call(&town, Some(&new), String::new()).await?, 204);
    // It is no way into anything else.
    let url = town.hook_url().await?;
    for path in ["api/sessions", "api/users", "metrics"] {
        for base in [&url, &town.rest_url().await] {
            let asked = reqwest::Client::new()
                .get(format!("{base}/{path}"))
                .bearer_auth(&new)
                .header("X-Hook-Key", &new)
                .send()
                .await;
            let status = asked.map_err(|e| Trouble::new(e.to_string()))?.status();
            assert!(
                [401, 404].contains(&status.as_u16()),
                "{base}/{path}: {status}"
            );
        }
    }
    town.finish().await
}

/// Keys are believed for two seconds as they were read, those that are good and those that are not: so a flood of calls with made-up ones
/// does not become one of the database. What is changed here holds at once all the same.
async fn calls_cost_few_looks_into_the_database(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let old = key(&town, &town.router).await?;
    assert_eq!(call(&town, Some(&old), String::new()).await?, 204);
    let new = key(&town, &town.router).await?;
    assert_eq!(call(&town, Some(&old), String::new()).await?, 401);
    assert_eq!(call(&town, Some(&new), String::new()).await?, 204);
    // In the database somebody else changes it.
    let just_under = Duration::from_millis(1_900);
    for (hash, before, after) in [
        (None, 204, 401),
        (Some(Digest::of(&new).hex().into()), 401, 204),
    ] {
        change_key_beside(&town, hash).await?;
        town.advance(just_under).await;
        assert_eq!(call(&town, Some(&new), String::new()).await?, before);
        town.advance(Duration::from_millis(100)).await;
        assert_eq!(call(&town, Some(&new), String::new()).await?, after);
    }
    town.finish().await
}

async fn change_key_beside(town: &Town, hash: Option<Text>) -> Outcome<()> {
    let engine = town.engine().await.unwrap();
    let failed = |e: StoreError| Trouble::new(e.to_string());
    let mut router = engine
        .directory()
        .routers()
        .await
        .map_err(failed)?
        .remove(0);
    router.version += 1;
    router.hook_key_hash = hash;
    let changes = vec![DeskChange::PutRouter(router)];
    let changed = engine.directory().change(changes, Vec::new()).await;
    changed.map_err(failed)
}

/// Held tunnels reach neither mikro2fa's machine nor the router's own services, whatever the port.
async fn quarantine_reaches_no_listener(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let held = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    let reaches = |to: crate::harness::Endpoint, port: u16| {
        let flow = Flow::between(&held, to).tcp(port);
        town.sim.would_pass(&flow).passes()
    };
    for port in [22, 80, 443, 8291, 8480, 8728, 8729, 8481] {
        assert!(!reaches(FILES.into(), port), "mikro2fa's machine, {port}");
        assert!(
            !reaches(crate::harness::Endpoint::Router, port),
            "the router, {port}"
        );
    }
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&held).await?;
    assert!(reaches(FILES.into(), 8480), "or this test shows nothing");
    town.advance(MINUTE).await;
    town.finish().await
}
