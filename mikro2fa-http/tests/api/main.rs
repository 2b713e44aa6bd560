//! The REST API, the webhook and health, over an engine with ports in memory.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod desk;
mod doors;
mod hook;
mod rules;
mod sessions;
mod world;

use serde_json::json;

use world::World;

#[tokio::test]
async fn nothing_without_a_token() {
    let world = World::new().await;
    for path in [
        "/api/users",
        "/api/accounts/x",
        "/api/routers",
        "/api/sessions?open=true",
        "/api/settings/policy",
        "/metrics",
    ] {
        for authorization in [
            "",
            "Bearer m2fa_short",
            "Basic YTpi",
            &format!("Bearer {}a", &world.token.expose()[..47]),
        ] {
            let request = warp::test::request()
                .path(path)
                .header("authorization", authorization);
            let answer = world.call(request).await;
            assert_eq!(
                (answer.status, &answer.body["type"]),
                (401, &json!("urn:mikro2fa:problem:unauthorized")),
                "{path}"
            );
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn a_token_ends() {
    let world = World::new().await;
    assert_eq!(world.get("/api/users").await.status, 200);
    world.seconds(90_001).await;
    assert_eq!(world.get("/api/users").await.status, 401);
}

#[tokio::test]
async fn a_token_is_made_by_another_and_revokes_itself() {
    let world = World::new().await;
    let made = world
        .send(
            "POST",
            "/api/settings/tokens",
            json!({"name": "monitoring", "days": 1}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.body["token"].as_str().unwrap().to_owned();
    let with = |method: &str| {
        let bearer = format!("Bearer {token}");
        warp::test::request()
            .method(method)
            .path("/api/settings/tokens")
            .header("authorization", bearer)
    };
    assert_eq!(world.call(with("DELETE")).await.status, 204);
    assert_eq!(world.call(with("DELETE")).await.status, 401);
    assert!(!format!("{:?}", world.store.audit_log()).contains(&token));
}

#[tokio::test]
async fn addresses_and_methods_that_are_not_there() {
    let world = World::new().await;
    let cases = [
        ("GET", "/api/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/api/users/x/y/z", 404),
        ("DELETE", "/api/users", 405),
        ("PUT", "/api/accounts", 405),
        ("GET", "/api/settings/bot-token", 405),
        ("GET", "/hook/ppp", 405),
        ("POST", "/healthz", 405),
    ];
    for (method, path, expected) in cases {
        let answer = world.call(world.request(method, path)).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn health() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            world.call(warp::test::request().path(path)).await.status,
            200,
            "{path}"
        );
    }
    let metrics = world.get("/metrics").await;
    assert!(
        metrics
            .text
            .contains("mikro2fa_router_reachable{router=\"office-gw\"} 1"),
        "{}",
        metrics.text
    );
    assert!(
        metrics
            .text
            .contains("mikro2fa_http_requests_total{status=\"200\"} 2"),
        "{}",
        metrics.text
    );
}

#[tokio::test]
async fn bodies_and_parameters_are_bounded() {
    let world = World::new().await;
    let long = world.request("POST", "/api/users").body(vec![b' '; 70_000]);
    assert_eq!(world.call(long).await.status, 413);
    for query in [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=1&limit=2",
        "colour=red",
        &format!("after={}", "x".repeat(201)),
    ] {
        let answer = world.get(&format!("/api/users?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert!(answer.body["detail"].is_string(), "{query}");
    }
}
