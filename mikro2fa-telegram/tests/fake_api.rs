//! The fake Bot API, seen by bots: by teloxide, and by a bare HTTP client.

#![cfg(feature = "fake")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "fake_api/chat.rs"]
mod chat;
#[path = "fake_api/faults.rs"]
mod faults;
#[path = "fake_api/polling.rs"]
mod polling;
#[path = "fake_api/refusals.rs"]
mod refusals;

use mikro2fa_telegram::fake_api::{FakeBotApi, FakeClock, FakeConfig, FakeUser};
use serde_json::{Value, json};

/// A server, and a bare client that says what came back.
struct Wire {
    api: FakeBotApi,
    http: reqwest::Client,
}

const START: i64 = 1_795_000_000_000;

impl Wire {
    async fn start() -> Self {
        Self::with(FakeConfig {
            clock: FakeClock::manual(START),
            ..FakeConfig::default()
        })
        .await
    }

    async fn with(config: FakeConfig) -> Self {
        Self {
            api: FakeBotApi::start(config).await.unwrap(),
            http: reqwest::Client::new(),
        }
    }

    fn ann(&self) -> FakeUser {
        let ann = self.api.user(42, "Ann", Some("ann"), Some("en"));
        ann.send("/start");
        ann
    }

    async fn try_call(&self, method: &str, params: Value) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}bot{}/{method}", self.api.url(), self.api.token());
        let answer = self.http.post(url).json(&params).send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let (status, body) = self.try_call(method, params).await.unwrap();
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["ok"], json!(true));
        body["result"].clone()
    }

    /// What the server refuses with.
    async fn refusal(&self, method: &str, params: Value) -> (u16, String) {
        let (status, body) = self.try_call(method, params).await.unwrap();
        assert_eq!(body["ok"], json!(false));
        assert_eq!(body["error_code"], json!(status));
        (status, body["description"].as_str().unwrap().to_owned())
    }

    async fn say(&self, chat: i64, text: &str) -> i64 {
        self.call("sendMessage", json!({ "chat_id": chat, "text": text }))
            .await["message_id"]
            .as_i64()
            .unwrap()
    }
}
