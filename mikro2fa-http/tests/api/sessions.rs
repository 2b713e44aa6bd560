//! Sessions: list, show, end, extend.

use mikro2fa_core::engine::Requested;
use serde_json::json;

use crate::world::{World, millis};

#[tokio::test]
async fn an_open_session_is_listed_shown_extended_and_ended() {
    let world = World::new().await;
    let id = world.open().await;
    let path = format!("/api/sessions/{id}");
    let shown = world.get(&path).await;
    assert_eq!(
        (shown.status, &shown.body["state"]),
        (200, &json!("active")),
        "{}",
        shown.text
    );
    assert_eq!(shown.body["tunnel"]["address"], "10.8.0.4");
    assert_eq!(shown.body["tunnel"]["caller"], "203.0.113.7");
    let ends = shown.body["expires_at"].as_i64().unwrap();
    assert!(ends > millis(&world.clock));
    assert!(
        !shown.text.contains("challenge"),
        "what an answer names stays inside: {}",
        shown.text
    );

    let extended = world
        .send("POST", &format!("{path}/extend"), json!({"minutes": 60}))
        .await;
    assert_eq!(extended.status, 200, "{}", extended.text);
    assert_eq!(extended.body["expires_at"].as_i64(), Some(ends + 3_600_000));
    let too_long = world
        .send(
            "POST",
            &format!("{path}/extend"),
            json!({"minutes": 100_000}),
        )
        .await;
    assert_eq!(too_long.status, 409, "{}", too_long.text);
    assert!(
        too_long.body["detail"]
            .as_str()
            .unwrap()
            .contains("no later end"),
        "{}",
        too_long.text
    );

    let ended = world
        .send("POST", &format!("{path}/end"), json!({"reason": "audit"}))
        .await;
    assert_eq!(
        (ended.status, &ended.body["ended"]["reason"]),
        (200, &json!("ended_by_operator")),
        "{}",
        ended.text
    );
    world.seconds(1).await;
    assert_eq!(world.router.permits(), []);
    let again = world
        .call(world.request("POST", &format!("{path}/end")))
        .await;
    assert_eq!(again.status, 409, "{}", again.text);
    let said = format!("{:?}", world.store.audit_log());
    assert!(said.contains("tester") && said.contains("audit"), "{said}");
}

#[tokio::test]
async fn lists_filter() {
    let world = World::new().await;
    let id = world.open().await;
    let count = async |query: &str| {
        let page = world.get(&format!("/api/sessions?{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.text);
        page.body["rows"].as_array().unwrap().len()
    };
    let (router, account, owner) = (world.office, world.account, world.ann);
    assert_eq!(
        count(&format!(
            "router={router}&account={account}&owner={owner}&state=active&open=true"
        ))
        .await,
        1
    );
    assert_eq!(count("state=ended").await, 0);
    world
        .send("POST", &format!("/api/sessions/{id}/end"), json!({}))
        .await;
    assert_eq!(count("open=true").await, 0);
    assert_eq!(count("").await, 1);
    for query in ["state=open", "router=x", "open=yes", "user=1"] {
        assert_eq!(
            world.get(&format!("/api/sessions?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_router_that_is_given_up_lets_nobody_stay() {
    let world = World::new().await;
    let id = world.open().await;
    let path = format!("/api/routers/{}", world.office);
    let refused = world.call(world.request("DELETE", &path)).await;
    assert_eq!(refused.status, 409, "its gate would stay: {}", refused.text);
    let removed = world
        .call(world.request("DELETE", &format!("{path}?leave_the_gate=true")))
        .await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    world.seconds(1).await;
    let session = world.get(&format!("/api/sessions/{id}")).await;
    assert_eq!(
        session.body["ended"]["reason"], "router_removed",
        "{}",
        session.text
    );
    assert_eq!(world.router.permits(), []);
}

#[tokio::test]
async fn unknown_sessions() {
    let world = World::new().await;
    let nowhere = "0190000000007000800000000000ffff";
    assert_eq!(
        world.get(&format!("/api/sessions/{nowhere}")).await.status,
        404
    );
    assert_eq!(world.get("/api/sessions/not-an-id").await.status, 404);
    for verb in ["end", "extend"] {
        let path = format!("/api/sessions/{nowhere}/{verb}");
        assert_eq!(
            world
                .send("POST", &path, json!({"minutes": 1, "reason": ""}))
                .await
                .status,
            if verb == "end" { 400 } else { 404 }
        );
        assert_eq!(world.get(&path).await.status, 405);
    }
    assert_eq!(
        world
            .call(world.request("POST", &format!("/api/sessions/{nowhere}/end")))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_ban_is_listed_and_lifted_once() {
    let world = World::new().await;
    let session = world.open().await;
    world.handle.not_me(session, world.ann, None).await.unwrap();
    let bans = world.get("/api/bans").await;
    assert_eq!(bans.status, 200, "{}", bans.text);
    assert_eq!(bans.body["rows"][0]["scope"], "account", "{}", bans.text);
    let id = bans.body["rows"][0]["id"].as_str().unwrap().to_owned();
    let refused = world
        .handle
        .request_access(world.ann, world.account, world.office, None)
        .await
        .unwrap();
    assert!(matches!(refused, Requested::Refused(_)), "{refused:?}");

    let lifted = world
        .call(world.request("DELETE", &format!("/api/bans/{id}")))
        .await;
    assert_eq!(lifted.status, 204, "{}", lifted.text);
    assert_eq!(world.get("/api/bans").await.body["rows"], json!([]));
    let again = world
        .call(world.request("DELETE", &format!("/api/bans/{id}")))
        .await;
    assert_eq!(again.status, 404, "{}", again.text);
    let opened = world
        .handle
        .request_access(world.ann, world.account, world.office, None)
        .await
        .unwrap();
    assert!(matches!(opened, Requested::Opened(_)), "{opened:?}");
}
