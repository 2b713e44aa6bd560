//! A16: secrets at rest, in answers, in errors and in logs.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use mikro2fa_core::directory::Directory as _;
use mikro2fa_store::{DieselStore, Key, Options};
use reqwest::Method;
use tracing::level_filters::LevelFilter;

use crate::harness::{Database, HOME, MINUTE, Outcome, Town, Trouble, json, on_both};

on_both!(
    nothing_secret_is_stored_said_or_logged,
    another_key_opens_nothing,
);

const ROUTER_PASSWORD: &str = "rOuter-pAssw0rd-57";
const USER_PASSWORD: &str = "uSer-pAssw0rd-91";

/// Everything that is logged, at the finest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole life with all that can go wrong with secrets, and then every place is searched for every secret.
async fn nothing_secret_is_stored_said_or_logged(on: Database) -> Outcome<()> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let town = Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.daily_password(ROUTER_PASSWORD);
    })
    .await?;
    let id = town.row_id("/ppp/secret", "name", "ann");
    town.by_hand(
        "/ppp/secret/set",
        &[(".id", &id), ("password", USER_PASSWORD)],
    );
    let path = format!("routers/{}/hook-key", town.router);
    let hook = town.post(&path, json!({})).await?;
    let hook = hook["key"].as_str().unwrap().to_owned();
    let bob = format!("users/{}/link-code", town.user("Bob")?);
    let code = town.post(&bob, json!({})).await?["code"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = town.post("settings/tokens", json!({ "name": "ci", "days": 1 }));
    let token = token.await?["token"].as_str().unwrap().to_owned();

    town.request().await?;
    let dial = crate::harness::Dial::new("ann", USER_PASSWORD).from(HOME);
    let tunnel = town
        .sim
        .dial(dial)
        .map_err(|e| Trouble::new(e.to_string()))?;
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&tunnel).await?;

    let mut said = Vec::new();
    for path in [
        "users",
        "accounts",
        "routers",
        "sessions",
        "bans",
        "settings/policy",
        "settings/operators",
        "settings/self-registration",
    ] {
        said.push(town.get(path).await?.to_string());
    }
    let path = format!("routers/{}", town.router);
    let wrong = json!({ "name": "x", "host": "127.0.0.1", "port": 1, "transport": "api", "user": "u", "password": ROUTER_PASSWORD });
    let wrong_token = json!({ "token": format!("{}x", town.telegram.token()) });
    for (method, path, body) in [
        (Method::POST, "routers", wrong),
        (Method::PUT, "settings/bot-token", wrong_token),
        (
            Method::PATCH,
            &*path,
            json!({ "password": [ROUTER_PASSWORD], "version": 0 }),
        ),
        (
            Method::PUT,
            "settings/bot-token",
            json!({ "token": town.telegram.token(), "x": 1 }),
        ),
    ] {
        let (status, answer) = town.answer(method, path, Some(body)).await?;
        assert!(status >= 400, "{path}: {status}");
        said.push(answer.to_string());
    }
    // A password that is refused under way, and a token that is.
    let id = town.row_id("/user", "name", "mikro2fa");
    town.by_hand("/user/set", &[(".id", &id), ("password", "changed")]);
    town.sim.cut_connections();
    town.telegram.set_revoked(true);
    town.advance(5 * MINUTE).await;
    town.telegram.set_revoked(false);
    said.push(format!("{:?} {:?}", town.status().await, town.world()));
    let chats = [&town.ann, &town.bob, &town.olga];
    said.extend(
        chats
            .iter()
            .flat_map(|phone| phone.chat())
            .filter(|m| m.from_bot)
            .map(|m| m.html),
    );

    let secrets = [
        ("the router's password", ROUTER_PASSWORD.to_owned()),
        ("a VPN password", USER_PASSWORD.to_owned()),
        ("the bot's token", town.telegram.token()),
        ("a webhook key", hook),
        ("a link code", code),
        ("an API token", token),
    ];
    let said = said.join("\n");
    town.kill_engine().await?;
    let stored = town.stored();
    drop(logging);
    let logged = log.text();
    assert!(logged.len() > 1_000, "nothing was logged: {logged:?}");
    assert!(stored.len() > 10_000, "nothing was stored");
    assert!(
        stored.contains("office"),
        "or this test searches the wrong place"
    );
    for (name, secret) in secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (place, text) in [("database", &stored), ("answers", &said), ("log", &logged)] {
            let found = text.find(&secret).or_else(|| text.find(&hex));
            let around = found.map(|at| {
                text[at.saturating_sub(80)..]
                    .chars()
                    .take(160)
                    .collect::<String>()
            });
            assert!(around.is_none(), "{name} stands in the {place}: {around:?}");
        }
    }
    Ok(())
}

/// Whoever has the database and not the key has no router's password, and no bot.
async fn another_key_opens_nothing(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.kill_engine().await?;
    let other = Key::from_bytes(&[7; 32]);
    let store = DieselStore::open(town.database(), &other, Options::default()).await;
    let store = store.map_err(|e| Trouble::new(e.to_string()))?;
    let routers = store.routers().await;
    assert!(routers.is_err(), "{routers:?}");
    let token = store.secret("bot-token").await;
    assert!(token.is_err(), "{token:?}");
    let closed = store.close().await;
    closed.map_err(|e| Trouble::new(e.to_string()))?;
    town.start_again().await?;
    town.finish().await
}
