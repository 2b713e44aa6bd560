//! The clock, how names are compared, and what is remembered of a login that is handed over.

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn the_clock_is_vouched_for_once_and_never_doubted_by_hand() {
    let world = World::behind(3_600).await;
    let told = world.get("/api/settings/clock").await;
    assert_eq!((told.status, told.body), (200, json!({"trusted": false})));
    let refused = world
        .send("PUT", "/api/settings/clock", json!({"trusted": false}))
        .await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let said = json!({"trusted": true});
    let vouched = world.send("PUT", "/api/settings/clock", said.clone()).await;
    assert_eq!((vouched.status, &vouched.body), (200, &said));
    assert_eq!(world.get("/api/settings/clock").await.body, said);
    assert!(world.handle.clock_is_trusted());
    let again = world.send("PUT", "/api/settings/clock", said).await;
    assert_eq!(again.status, 200);
    let log = format!("{:?}", world.store.audit_log());
    let times = log.matches("vouched for this machine's clock").count();
    assert_eq!(times, 1, "{log}");
    let other = world.send("POST", "/api/settings/clock", json!({})).await;
    assert_eq!(other.status, 405);
}

#[tokio::test]
async fn names_are_compared_as_the_source_says() {
    let world = World::new().await;
    let sources = world.get("/api/sources").await;
    let source = sources.body["rows"][0].clone();
    assert_eq!(source["matching"], "exact", "{}", sources.text);
    let path = format!("/api/sources/{}", source["id"].as_str().unwrap());
    let named = async |name: &str| {
        let body = json!({"source": source["id"], "name": name});
        let made = world.send("POST", "/api/accounts", body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.body["id"].as_str().unwrap().to_owned()
    };
    let twin = named("ANN").await;
    let folded = json!({"matching": "folded"});
    let refused = world.send("PATCH", &path, folded.clone()).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("would be one"), "{}", refused.text);
    assert_eq!(world.get(&path).await.body, source, "nothing was changed");
    let gone = world
        .call(world.request("DELETE", &format!("/api/accounts/{twin}")))
        .await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let changed = world.send("PATCH", &path, folded).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body["matching"], "folded");
    let body = json!({"source": source["id"], "name": "Ann@office"});
    let taken = world.send("POST", "/api/accounts", body).await;
    assert_eq!(taken.status, 409, "{}", taken.text);
    for bad in [
        json!({"matching": "loose"}),
        json!({}),
        json!({"matching": "exact", "x": 1}),
    ] {
        let refused = world.send("PATCH", &path, bad.clone()).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text);
    }
    let none = world
        .get("/api/sources/00000000-0000-0000-0000-000000000000")
        .await;
    assert_eq!(none.status, 404);
}

/// The login has to be read first: what it was is given back one day. A router that does not answer hands nothing over.
#[tokio::test]
async fn nothing_is_handed_over_unseen() {
    let world = World::new().await;
    let path = format!("/api/accounts/{}", world.account);
    let before = world.get(&path).await.body;
    let version = before["version"].clone();
    let change = json!({"version": version, "handed_over": true});
    let refused = world.send("PATCH", &path, change).await;
    assert!(refused.status >= 400, "{}", refused.text);
    assert_eq!(world.get(&path).await.body, before);
    let exempt = json!({"version": version, "handed_over": true, "kind": "exempt"});
    let refused = world.send("PATCH", &path, exempt).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let new = json!({"router": world.office, "name": "carl", "handed_over": true});
    let refused = world.send("POST", "/api/accounts", new).await;
    assert!(refused.status >= 400, "{}", refused.text);
    let accounts = world.get("/api/accounts").await.body;
    assert_eq!(accounts["rows"].as_array().map(Vec::len), Some(1));
    assert_ne!(before, Value::Null);
}
