//! Users, accounts, routers, settings.

use mikro2fa_core::{
    directory::{Digest, Directory},
    secret::Secret,
    time::Clock,
};
use serde_json::{Value, json};

use crate::world::{World, millis};

#[tokio::test]
async fn a_user_is_made_read_and_changed() {
    let world = World::new().await;
    let made = world
        .send(
            "POST",
            "/api/users",
            json!({"name": "Bob", "language": "ru", "zone_minutes": 180}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/api/users/{}", made.body["id"].as_str().unwrap());
    assert_eq!(made.body["created_at"], millis(&world.clock));
    assert_eq!(world.get(&path).await.body, made.body);

    let changed = world
        .send(
            "PATCH",
            &path,
            json!({"version": 0, "suspended": true, "zone_minutes": null}),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(
        (&changed.body["suspended"], &changed.body["zone_minutes"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        (&changed.body["name"], &changed.body["version"]),
        (&json!("Bob"), &json!(1))
    );

    let stale = world
        .send("PATCH", &path, json!({"version": 0, "name": "Rob"}))
        .await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert_eq!(
        world.get(&path).await.body,
        changed.body,
        "a change from an old version changes nothing"
    );
    let said = format!("{:?}", world.store.audit_log());
    assert!(
        said.contains("made user Bob") && said.contains("tester"),
        "{said}"
    );
}

#[tokio::test]
async fn a_link_code_is_shown_once_and_kept_as_a_digest() {
    let world = World::new().await;
    let path = format!("/api/users/{}/link-code", world.ann);
    let link = world.call(world.request("POST", &path)).await;
    assert_eq!(link.status, 201, "{}", link.text);
    let typed = world.send("POST", &path, json!({"form": "typed"})).await;
    let (link, typed) = (
        link.body["code"].as_str().unwrap(),
        typed.body["code"].as_str().unwrap(),
    );
    assert_eq!((link.len(), typed.len()), (22, 10));
    let good = async |code: &str| {
        world
            .store
            .link_code(Digest::of(code), world.clock.now())
            .await
            .unwrap()
    };
    assert_eq!(
        (good(link).await, good(typed).await),
        (None, Some(world.ann)),
        "an earlier one dies"
    );
    world.seconds(15 * 60 + 1).await;
    assert_eq!(good(typed).await, None);
    assert!(!format!("{:?}", world.store.audit_log()).contains(typed));
    assert_eq!(
        world
            .send("POST", &path, json!({"form": "sung"}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn users_come_in_pages() {
    let world = World::new().await;
    for name in ["B", "C", "D", "E"] {
        assert_eq!(
            world
                .send("POST", "/api/users", json!({"name": name}))
                .await
                .status,
            201
        );
    }
    let mut names = Vec::new();
    let mut path = "/api/users?limit=2".to_owned();
    loop {
        let page = world.get(&path).await;
        let rows = page.body["rows"].as_array().unwrap().clone();
        assert!(rows.len() <= 2);
        names.extend(
            rows.iter()
                .map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        path = format!("/api/users?limit=2&after={next}");
    }
    names.sort();
    assert_eq!(names, ["Ann", "B", "C", "D", "E"]);
}

#[tokio::test]
async fn what_is_no_user_is_refused_by_field() {
    let world = World::new().await;
    let cases = [
        (json!({}), 400, "name"),
        (json!({"name": ""}), 400, "1 to 64"),
        (json!({"name": "a\nb"}), 400, "control"),
        (
            json!({"name": "Bob", "zone_minutes": 900}),
            400,
            "-720 to 840",
        ),
        (json!({"name": "Bob", "nmae": "x"}), 400, "nmae"),
        (json!({"name": "Bob", "policy": {"leese": 1}}), 400, "leese"),
        (
            json!({"name": "Bob", "policy": {"lease": 5}}),
            422,
            "at least 60 s",
        ),
    ];
    for (body, status, part) in cases {
        let answer = world.send("POST", "/api/users", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
        assert!(
            answer.body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(part)),
            "{body}: {}",
            answer.text
        );
    }
    assert_eq!(
        world.get("/api/users").await.body["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_account_has_one_owner_and_an_owner_at_most_two_accounts() {
    let world = World::new().await;
    let (router, ann) = (world.office.to_string(), world.ann.to_string());
    let body = |name: &str| json!({"router": router, "name": name, "owner": ann});
    let second = world.send("POST", "/api/accounts", body("ann-2")).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let third = world.send("POST", "/api/accounts", body("ann-3")).await;
    assert_eq!(third.status, 422);
    assert!(
        third.body["detail"]
            .as_str()
            .unwrap()
            .contains("policy allows 2"),
        "{}",
        third.text
    );
    let twice = world
        .send(
            "POST",
            "/api/accounts",
            json!({"router": router, "name": "ann-2"}),
        )
        .await;
    assert_eq!(twice.status, 409, "{}", twice.text);

    let path = format!("/api/accounts/{}", second.body["id"].as_str().unwrap());
    let unowned = world
        .send("PATCH", &path, json!({"version": 0, "owner": null}))
        .await;
    assert_eq!(
        (unowned.status, &unowned.body["owner"]),
        (200, &Value::Null),
        "{}",
        unowned.text
    );
    assert_eq!(
        world.get(&format!("/api/users/{ann}/accounts")).await.body["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(world.call(world.request("DELETE", &path)).await.status, 204);
    assert_eq!(world.get(&path).await.status, 404);
}

#[tokio::test]
async fn accounts_of_nobody_and_nowhere_are_refused() {
    let world = World::new().await;
    let router = world.office.to_string();
    let nobody = "0190000000007000800000000000ffff";
    let cases = [
        json!({"name": "x"}),
        json!({"name": "x", "router": nobody}),
        json!({"name": "x", "router": router, "source": nobody}),
        json!({"name": "x", "router": router, "owner": nobody}),
        json!({"name": "x", "router": router, "routes": [["10.0.0.0", 33]]}),
    ];
    for body in cases {
        let answer = world.send("POST", "/api/accounts", body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    }
}

fn new_router() -> Value {
    json!({"name": "branch-gw", "host": "10.0.0.1", "transport": "api_tls", "user": "mikro2fa", "password": "hunter2",
        "pins": ["AB:CD".to_owned() + &":EF".repeat(30)]})
}

#[tokio::test]
async fn a_router_keeps_its_password() {
    let world = World::new().await;
    let made = world.send("POST", "/api/routers", new_router()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        (&made.body["port"], &made.body["has_hook_key"]),
        (&json!(8729), &json!(false))
    );
    assert!(made.body["pins"][0].as_str().unwrap().starts_with("abcdef"));
    let path = format!("/api/routers/{}", made.body["id"].as_str().unwrap());
    let changed = world
        .send(
            "PATCH",
            &path,
            json!({"version": 0, "name": "branch", "password": "hunter3"}),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let key = world
        .call(world.request("POST", &format!("{path}/hook-key")))
        .await;
    assert!(
        key.body["key"].as_str().unwrap().starts_with("m2fh_"),
        "{}",
        key.text
    );
    for text in [
        made.text,
        changed.text,
        world.get("/api/routers").await.text,
        format!("{:?}", world.store.audit_log()),
    ] {
        assert!(
            !text.contains("hunter") && !text.contains("m2fh_"),
            "{text}"
        );
    }
    assert_eq!(
        world.get("/api/routers").await.body["rows"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(world.call(world.request("DELETE", &path)).await.status, 409);
    let sure = format!("{path}?leave_the_gate=true");
    assert_eq!(world.call(world.request("DELETE", &sure)).await.status, 204);
    assert_eq!(world.get(&path).await.status, 404);
}

const KEY: &str =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n";

#[tokio::test]
async fn a_router_over_ssh_takes_a_key_and_keeps_it_to_itself() {
    let world = World::new().await;
    let mut body = json!({"name": "attic", "host": "10.0.0.2", "transport": "ssh", "user": "mikro2fa", "key": KEY,
        "passphrase": "sesame", "pins": [format!("SHA256:{}A", "q".repeat(42))]});
    let made = world.send("POST", "/api/routers", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(
        (&made.body["port"], &made.body["login"]),
        (&json!(22), &json!("key"))
    );
    let pin = made.body["pins"][0].as_str().unwrap();
    assert!(pin.len() == 64 && pin.starts_with("aaaaaa"), "{pin}");
    let path = format!("/api/routers/{}", made.body["id"].as_str().unwrap());
    let changed = world
        .send("PATCH", &path, json!({"version": 0, "password": "hunter2"}))
        .await;
    assert_eq!(changed.body["login"], "password", "{}", changed.text);
    for text in [
        made.text,
        changed.text,
        format!("{:?}", world.store.audit_log()),
    ] {
        for secret in ["c2VjcmV0", "sesame", "hunter"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    body["name"] = json!("cellar");
    for (field, value, part) in [
        ("password", json!("hunter2"), "not both"),
        ("transport", json!("api"), "only over SSH"),
        ("key", json!("ssh-ed25519 AAAA"), "private one"),
        ("key", Value::Null, "no key that it belongs to"),
        ("pins", json!(["SHA256:abc"]), "64 hexadecimal"),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let answer = world.send("POST", "/api/routers", wrong).await;
        assert!(
            [400, 422].contains(&answer.status),
            "{part}: {}",
            answer.text
        );
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
    let fields = body.as_object_mut().unwrap();
    fields.remove("key");
    fields.remove("passphrase");
    let answer = world.send("POST", "/api/routers", body).await;
    assert!(
        answer.status == 422 && answer.text.contains("password"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_router_that_does_not_answer_is_not_kept_unless_said_so() {
    let world = World::new().await;
    let mut body = new_router();
    body["password"] = json!("wrong");
    let refused = world.send("POST", "/api/routers", body.clone()).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("refused the login of user mikro2fa"),
        "{}",
        refused.text
    );
    assert_eq!(
        world.get("/api/routers").await.body["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    body["unchecked"] = json!(true);
    let made = world.send("POST", "/api/routers", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/api/routers/{}", made.body["id"].as_str().unwrap());
    let named = world
        .send("PATCH", &path, json!({"version": 0, "name": "b"}))
        .await;
    assert_eq!(
        named.status, 200,
        "nothing about its connection was changed: {}",
        named.text
    );
    let still_wrong = world
        .send(
            "PATCH",
            &path,
            json!({"version": 1, "port": 99, "password": "wrong"}),
        )
        .await;
    assert_eq!(still_wrong.status, 422, "{}", still_wrong.text);
    let stranger = world
        .send(
            "PATCH",
            &path,
            json!({"version": 1, "host": "evil.example", "unchecked": true}),
        )
        .await;
    assert_eq!(stranger.status, 422);
    assert!(
        stranger.text.contains("password: say it again"),
        "{}",
        stranger.text
    );
}

#[tokio::test]
async fn what_is_no_router_is_refused() {
    let world = World::new().await;
    let with = |key: &str, value: Value| {
        let mut body = new_router();
        body[key] = value;
        body
    };
    let without_transport = {
        let mut body = new_router();
        body.as_object_mut().unwrap().remove("transport");
        body
    };
    let cases = [
        (with("host", json!("10.0.0.1/x")), "host"),
        (with("port", json!(0)), "nonzero"),
        (with("pins", json!(["abc"])), "64 hexadecimal"),
        (with("poll_interval", json!(0)), "1 to 3600"),
        (with("password", json!("a\nb")), "one line"),
        (with("transport", json!("telnet")), "telnet"),
        (without_transport, "transport"),
    ];
    for (body, part) in cases {
        let answer = world.send("POST", "/api/routers", body).await;
        assert_eq!(answer.status, 400, "{part}: {}", answer.text);
        assert!(
            answer.text.contains(part) && !answer.text.contains("hunter2"),
            "{part}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn policy_operators_and_the_bots_token() {
    let world = World::new().await;
    let policy = world
        .send(
            "PUT",
            "/api/settings/policy",
            json!({"session_duration": 28800}),
        )
        .await;
    assert_eq!(policy.status, 200, "{}", policy.text);
    assert_eq!(
        world.get("/api/settings/policy").await.body,
        json!({"session_duration": 28800})
    );
    let bad = world
        .send(
            "PUT",
            "/api/settings/policy",
            json!({"session_duration": 5}),
        )
        .await;
    assert_eq!(bad.status, 422);
    assert_eq!(
        world.get("/api/settings/policy").await.body,
        json!({"session_duration": 28800})
    );

    // What it gives up is said with it, and does not stand in the way of writing back what was read.
    let weak = json!({"session_duration": 28800, "outage": "keep_confirmed"});
    let kept = world
        .send("PUT", "/api/settings/policy", weak.clone())
        .await;
    let read = world.get("/api/settings/policy").await;
    assert_eq!(kept.body, read.body);
    let said = read.body["weakenings"][0].as_str().unwrap();
    assert!(said.contains("outage keep_confirmed"), "{said}");
    let back = world.send("PUT", "/api/settings/policy", read.body).await;
    assert_eq!(back.status, 200, "{}", back.text);
    let stored = world.store.system_policy().await.unwrap();
    assert_eq!(serde_json::to_value(stored).unwrap(), weak);

    let secret = "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
    let kept = world
        .send("PUT", "/api/settings/bot-token", json!({"token": secret}))
        .await;
    assert_eq!(
        (kept.status, &kept.body["username"]),
        (200, &json!("gate_bot")),
        "{}",
        kept.text
    );
    for (token, part) in [
        ("abc", "has not the form"),
        ("1:refused", "refuses the bot token"),
    ] {
        let refused = world
            .send("PUT", "/api/settings/bot-token", json!({"token": token}))
            .await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains(part), "{}", refused.text);
    }
    assert_eq!(
        world.store.secret("bot-token").await.unwrap(),
        Some(Secret::new(secret))
    );
    assert_eq!(
        world.get("/api/settings/self-registration").await.body,
        json!({"on": false})
    );
    world
        .send(
            "PUT",
            "/api/settings/self-registration",
            json!({"on": true}),
        )
        .await;
    assert_eq!(
        world.get("/api/settings/self-registration").await.body,
        json!({"on": true})
    );
    assert!(!format!("{:?}", world.store.audit_log()).contains("AAHdq"));

    let made = world
        .send(
            "POST",
            "/api/settings/operators",
            json!({"name": "Olga", "chat": 77}),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!(
        "/api/settings/operators/{}",
        made.body["id"].as_str().unwrap()
    );
    assert_eq!(
        world.get("/api/settings/operators").await.body["rows"][0]["name"],
        "Olga"
    );
    assert_eq!(world.call(world.request("DELETE", &path)).await.status, 204);
    assert_eq!(
        world.get("/api/settings/operators").await.body["rows"],
        json!([])
    );
}
