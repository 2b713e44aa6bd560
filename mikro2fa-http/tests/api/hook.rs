//! The webhook: a hint causes a look, and nothing else.

use crate::world::{World, answered};

async fn key(world: &World) -> String {
    let path = format!("/api/routers/{}/hook-key", world.office);
    let made = world.call(world.request("POST", &path)).await;
    made.body["key"].as_str().unwrap().to_owned()
}

async fn call(world: &World, key: &str, body: impl AsRef<[u8]>) -> u16 {
    let request = warp::test::request()
        .method("POST")
        .path("/hook/ppp")
        .header("x-hook-key", key)
        .body(body);
    let status = answered(&world.hooks, request).await.status;
    world.handle.settled().await;
    status
}

#[tokio::test]
async fn a_call_with_the_key_causes_a_look_whatever_it_says() {
    let world = World::new().await;
    let key = key(&world).await;
    for body in [
        &b"v=1&ev=up&user=ann"[..],
        b"{\"ev\":\"up\"}",
        b"",
        b"\xff\xfe not json",
    ] {
        world.seconds(1).await;
        let before = world.router.looks();
        assert_eq!(call(&world, &key, body).await, 204);
        world.seconds(1).await;
        assert!(world.router.looks() > before);
    }
    assert_eq!(
        world.store.all_sessions(),
        [],
        "nothing came of it but looks"
    );
}

#[tokio::test]
async fn forged_and_swollen_calls_are_refused() {
    let world = World::new().await;
    let key = key(&world).await;
    let before = world.router.looks();
    let forged = format!("m2fh_{}", "A".repeat(43));
    for bad in ["", "0123456789abcdef", &forged, world.token.expose()] {
        assert_eq!(call(&world, bad, "ev=up").await, 401, "{bad}");
    }
    assert_eq!(call(&world, &key, vec![b'x'; 9_000]).await, 413);
    assert_eq!(world.router.looks(), before);
}

#[tokio::test]
async fn a_new_key_replaces_the_old_one_at_once() {
    let world = World::new().await;
    let old = key(&world).await;
    assert_eq!(call(&world, &old, "").await, 204);
    let new = key(&world).await;
    assert_eq!(call(&world, &old, "").await, 401);
    assert_eq!(call(&world, &new, "").await, 204);
}

#[tokio::test]
async fn the_routers_listener_has_nothing_else() {
    let world = World::new().await;
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 404),
        ("/metrics", 404),
        ("/api/users", 404),
    ] {
        assert_eq!(
            answered(&world.hooks, world.request("GET", path))
                .await
                .status,
            expected,
            "{path}"
        );
    }
}
