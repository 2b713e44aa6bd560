//! Who is who: codes, registration, languages, operators at the desk, the webhook.

use std::time::Duration;

use reqwest::Method;

use crate::harness::{
    BOBS, Database, HOME, MINUTE, Outcome, Town, Trouble, data_of, json, on_both,
};

on_both!(
    russian_user,
    link_codes,
    registration_with_approval,
    desk_shows_extends_and_ends,
    suspended_while_open,
    webhook_is_a_hint,
);

async fn russian_user(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| options.language = "ru".into()).await?;
    town.ann.send("/request_vpn");
    town.reads(&town.ann, "Можно подключаться").await?;
    let tunnel = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Это вы?").await?;
    let answer = town.tap(&town.ann, &question, "Да, это я").await?;
    assert_eq!(answer.text, "Открываю.");
    town.until_open(&tunnel).await?;
    town.reads(&town.ann, "Открыто").await?;
    tunnel.hang_up();
    town.advance(2 * MINUTE).await;
    town.reads(&town.ann, "Завершено").await?;
    let english = town.ann.shown();
    let english: Vec<_> = english
        .iter()
        .filter(|message| message.from_bot && message.text.contains(" on office"))
        .collect();
    assert!(english.is_empty(), "{english:#?}");
    town.finish().await
}

async fn link_codes(on: Database) -> Outcome<()> {
    let mut town = Town::new(on).await?;
    town.world_mut().add_user("Carol").await?;
    let path = format!("users/{}/link-code", town.user("Carol")?);
    // Days go by here: the router is looked at seldom meanwhile.
    let seldom = json!({ "poll_interval": 3_600 });
    town.patch(&format!("routers/{}", town.router), seldom)
        .await?;
    let phone = town.telegram.user(1004, "Carol", Some("carol"), Some("en"));
    let refused = "This code does not work";
    phone.send("/start ABCDEFGHIJKLMNOPQRSTUV");
    town.reads(&phone, refused).await?;

    let code = town.post(&path, json!({})).await?;
    let old = format!("/start {}", code["code"].as_str().unwrap());
    let until = mikro2fa_core::time::Timestamp(code["until"].as_i64().unwrap());
    town.advance(until.since(town.clock_now()) + Duration::from_secs(1))
        .await;
    let sent = phone.send(&old);
    answered(&phone, sent, refused).await?;

    let code = town.post(&path, json!({})).await?;
    let good = format!("/start {}", code["code"].as_str().unwrap());
    phone.send(&good);
    town.reads(&phone, "This chat is now linked to Carol")
        .await?;
    let thief = town.telegram.user(1_005, "Eve", None, Some("en"));
    thief.send(&good);
    town.reads(&thief, refused).await?;
    let carol = town.get(&format!("users/{}", town.user("Carol")?)).await?;
    assert_eq!(carol["chat"], 1004, "{carol}");
    town.finish().await
}

async fn answered(phone: &crate::harness::FakeUser, sent: i64, words: &str) -> Outcome<()> {
    phone
        .message_where(|message| message.id > sent && message.text.contains(words))
        .await
        .map(drop)
        .map_err(|e| Trouble::new(e.to_string()))
}

async fn registration_with_approval(on: Database) -> Outcome<()> {
    let mut town = Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.account("carol", crate::harness::PASSWORD);
    })
    .await?;
    town.put("settings/self-registration", json!({ "on": true }))
        .await?;
    let phone = town.telegram.user(1004, "Carol", Some("carol"), Some("en"));
    phone.send("/register");
    town.reads(&phone, "Please send your name").await?;
    phone.send("Carol Jones");
    town.reads(&phone, "Request sent: Carol Jones").await?;
    let alert = town.reads(&town.olga, "Wants access: Carol Jones").await?;
    town.tap(&town.olga, &alert, "Approve").await?;
    let confirm = town.reads(&town.olga, "Approve Carol Jones?").await?;
    // Keys that have just taken the place of others are not taken at once.
    town.advance(Duration::from_secs(2)).await;
    town.tap(&town.olga, &confirm, "Approve Carol Jones")
        .await?;
    town.reads(&phone, "You are approved").await?;
    let users = town.get("users").await?;
    let rows = users["rows"].as_array().unwrap();
    let carol = rows.iter().find(|user| user["name"] == "Carol Jones");
    let carol = carol.unwrap()["id"].as_str().unwrap().to_owned();
    let router = town.router.clone();
    let account = json!({ "router": router, "name": "carol", "owner": carol });
    town.post("accounts", account).await?;
    let tunnel = town.dials("carol", BOBS);
    let question = town.asked(&phone, "Not requested").await?;
    town.tap(&phone, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    let _ = town.world_mut();
    town.finish().await
}

async fn desk_shows_extends_and_ends(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let session = town.until_state("active").await?;
    let path = format!("sessions/{}", session["id"].as_str().unwrap());
    assert_eq!(town.get(&path).await?, session);
    let before = session["expires_at"].as_i64().unwrap();
    let longer = town
        .post(&format!("{path}/extend"), json!({ "minutes": 30 }))
        .await?;
    assert_eq!(longer["expires_at"].as_i64(), Some(before + 30 * 60_000));
    let much = json!({ "minutes": 60_000 });
    let (status, said) = town
        .answer(Method::POST, &format!("{path}/extend"), Some(much))
        .await?;
    assert_eq!(status, 409, "{said}");
    town.post(&format!("{path}/end"), json!({ "reason": "Lunch" }))
        .await?;
    town.until_cut(&tunnel).await?;
    town.reads(&town.ann, "An administrator ended it").await?;
    assert!(town.permits().is_empty());
    let (status, _) = town
        .answer(Method::POST, &format!("{path}/end"), Some(json!({})))
        .await?;
    assert_eq!(status, 409, "ended is ended");
    let nobody = "sessions/00000000-0000-0000-0000-000000000000";
    assert_eq!(town.answer(Method::GET, nobody, None).await?.0, 404);
    town.finish().await
}

async fn suspended_while_open(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    let path = format!("users/{}", town.user("Ann")?);
    town.patch(&path, json!({ "suspended": true })).await?;
    town.until_cut(&tunnel).await?;
    town.until_ended("user_suspended").await?;
    let again = town.dials("ann", HOME);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&again));
    assert!(town.questions(&town.ann).is_empty());
    town.finish().await
}

async fn webhook_is_a_hint(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let path = format!("routers/{}/hook-key", town.router);
    let key = town.post(&path, json!({})).await?;
    let key = key["key"].as_str().unwrap().to_owned();
    let url = format!("{}/hook/ppp", town.hook_url().await?);
    let client = reqwest::Client::new();
    let call = async |key: &str, body: String| {
        let call = client.post(&url).header("X-Hook-Key", key).body(body);
        let answer = call.send().await;
        answer
            .map(|answer| answer.status().as_u16())
            .map_err(|e| Trouble::new(e.to_string()))
    };
    // Whatever the router says of its own accord is lost from now on, and polling is far away.
    let settings = json!({ "poll_interval": 3_600 });
    town.patch(&format!("routers/{}", town.router), settings)
        .await?;
    town.settle().await;
    assert_eq!(call("m2fh_wrong", String::new()).await?, 401);
    assert_eq!(call(&key, "{not json, \u{0}".into()).await?, 204);
    assert_eq!(call(&key, "x".repeat(100_000)).await?, 413);
    let forged = json!({ "event": "up", "user": "ann", "address": "10.8.0.2", "confirmed": true });
    assert_eq!(call(&key, forged.to_string()).await?, 204);
    town.settle().await;
    assert!(town.sessions().await?.is_empty(), "a call proves nothing");
    assert!(town.permits().is_empty());
    let tunnel = town.dials("ann", HOME);
    assert_eq!(call(&key, String::new()).await?, 204);
    let question = town.asked(&town.ann, "Not requested").await?;
    let _ = data_of(&question, "Yes");
    assert!(!town.reaches_office(&tunnel));
    town.finish().await
}
