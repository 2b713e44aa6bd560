//! The core's contract of a notifier, kept by Telegram's.

#![cfg(feature = "fake")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_core::future::BoxFuture;
use mikro2fa_core::{
    conformance::notifier::{NotifierBench, ReadMessage},
    id::UserId,
    notifier::Notifier,
    testing::{Desk, ManualClock, MemoryStore},
    time::{Clock, Timestamp},
};
use mikro2fa_telegram::{
    Telegram, TelegramConfig, TelegramNotifier,
    fake_api::{FakeBotApi, FakeConfig, FakeMessage, FakeUser, Fault, FaultRule, Refusal},
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const ANN: i64 = 1001;

/// Each look at this clock is ten seconds later: what the server said to wait for is over at the next try.
#[derive(Debug)]
struct FlyingClock(AtomicI64);

impl Clock for FlyingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(10_000, Ordering::Relaxed))
    }

    fn sleep_until(&self, _: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct Bench {
    api: FakeBotApi,
    notifier: TelegramNotifier,
    phone: FakeUser,
    operator: FakeUser,
    user: UserId,
    stranger: UserId,
}

impl Bench {
    async fn new() -> Self {
        let api = FakeBotApi::start(FakeConfig::default()).await.unwrap();
        let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(NOW))));
        let mut desk = Desk::new(NOW);
        let user = desk.user("Ann", ANN);
        let stranger = desk.user("Bob", 1002);
        desk.user_mut(stranger).chat = None;
        desk.operator("Olga", 9001);
        desk.fill(&*store).await.unwrap();
        let [phone, operator] = [(ANN, "Ann"), (9001, "Olga")].map(|(id, name)| {
            let user = api.user(id, name, None, None);
            user.send("/start");
            user
        });
        let config = TelegramConfig {
            per_second: None,
            ..TelegramConfig::new(api.token()).api_url(api.url())
        };
        let clock = Arc::new(FlyingClock(AtomicI64::new(NOW.millis())));
        let notifier = Telegram::new(&config, store, clock).unwrap().notifier();
        Self {
            api,
            notifier,
            phone,
            operator,
            user,
            stranger,
        }
    }
}

fn read(messages: Vec<FakeMessage>) -> Vec<ReadMessage> {
    let from_bot = messages.into_iter().filter(|message| message.from_bot);
    from_bot
        .map(|message| ReadMessage {
            number: message.id,
            text: message.html,
        })
        .collect()
}

#[async_trait]
impl NotifierBench for Bench {
    fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::new(self.notifier.clone())
    }

    fn user(&self) -> UserId {
        self.user
    }

    fn stranger(&self) -> UserId {
        self.stranger
    }

    async fn chat(&self) -> Vec<ReadMessage> {
        read(self.phone.shown())
    }

    async fn operators_chat(&self) -> Vec<ReadMessage> {
        read(self.operator.shown())
    }

    async fn sounds(&self) -> usize {
        self.phone
            .chat()
            .iter()
            .filter(|message| message.from_bot && !message.silent)
            .count()
    }

    async fn clear_chat(&self) {
        self.phone.clear_chat();
    }

    async fn block(&self, blocked: bool) {
        if blocked {
            self.phone.block_bot();
        } else {
            self.phone.unblock_bot();
        }
    }

    async fn slow_down(&self, pause: Duration) {
        let seconds = u32::try_from(pause.as_secs()).unwrap();
        self.api
            .inject(FaultRule::new(Fault::Refuse(Refusal::too_many_requests(
                seconds,
            ))));
    }

    async fn cut_off(&self, off: bool) {
        self.api.set_down(off);
        let address = self
            .api
            .url()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        // Until the door is really shut, or open.
        while tokio::net::TcpStream::connect(&address).await.is_err() != off {
            tokio::task::yield_now().await;
        }
    }

    async fn lose_next_reply(&self, done: bool) -> bool {
        let fault = if done {
            Fault::LoseReply
        } else {
            Fault::LoseCall
        };
        self.api.inject(FaultRule::new(fault));
        true
    }
}

mikro2fa_core::notifier_conformance!(Bench::new().await);
