//! An engine over ports in memory, with the REST API before it.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use async_trait::async_trait;
use mikro2fa_core::{
    desk::{RouterConnection, RouterDesk},
    directory::{ApiToken, DeskChange, Directory},
    engine::{Backends, EngineBuilder, EngineHandle},
    entropy::{Entropy, SeededEntropy},
    id::{AccountId, RouterId, SessionId, UserId},
    router_backend::{Identity, RouterBackend, RouterError},
    secret::Secret,
    session::Answer,
    store::Store,
    testing::{Desk, Dial, ManualClock, MemoryRouter, MemoryStore, RecordingNotifier},
    time::{Clock, Timestamp},
};
use mikro2fa_http::{
    auth::Token,
    routes::{Api, Checks, filter},
};
use mikro2fa_telegram::{BotIdentity, Error as BotError};
use serde_json::Value;
use warp::{filters::BoxedFilter, http::HeaderMap, reply::Response, test::RequestBuilder};

const START: Timestamp = Timestamp(1_795_183_200_000);

pub(crate) struct World {
    pub(crate) filter: BoxedFilter<(Response,)>,
    pub(crate) hooks: BoxedFilter<(Response,)>,
    pub(crate) token: Token,
    pub(crate) store: MemoryStore,
    pub(crate) router: MemoryRouter,
    pub(crate) notifier: RecordingNotifier,
    pub(crate) handle: EngineHandle,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) office: RouterId,
    pub(crate) ann: UserId,
    pub(crate) account: AccountId,
    engine: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// Every router answers, but for those whose password is wrong.
#[derive(Debug)]
struct Answers;

#[async_trait]
impl Checks for Answers {
    async fn router(&self, connection: &RouterConnection) -> Result<Identity, RouterError> {
        if connection.password.expose() == "wrong" {
            return Err(RouterError::LoginRefused(connection.user.clone()));
        }
        Ok(Identity::default())
    }

    async fn bot(&self, token: &Secret) -> Result<BotIdentity, BotError> {
        match token.expose() {
            "" | "abc" => Err(BotError::MalformedToken),
            "1:refused" => Err(BotError::TokenRefused),
            _ => Ok(BotIdentity {
                username: "gate_bot".into(),
                can_join_groups: false,
            }),
        }
    }
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) headers: HeaderMap,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::behind(0).await
    }

    /// The clock is so many seconds earlier than it was when the store was last used.
    pub(crate) async fn behind(seconds: u64) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = MemoryStore::new(clock.clone());
        if seconds > 0 {
            let later = START + Duration::from_secs(seconds);
            store.touch_clock(later).await.unwrap();
        }
        let mut desk = Desk::new(START);
        let office = desk.router("office-gw");
        let ann = desk.user("Ann", 1001);
        let account = desk.account(office, "ann", Some(ann));
        desk.fill(&store).await.unwrap();
        let router = MemoryRouter::new(office, clock.clone());
        router.account("ann");
        let notifier = RecordingNotifier::new(clock.clone());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let token = Token::fresh(&*entropy);
        put_token(&store, &token).await;

        let backend: Arc<dyn RouterBackend> = Arc::new(router.clone());
        let backends: Arc<dyn Backends> = Arc::new(move |_: &RouterDesk| Arc::clone(&backend));
        let port = Arc::new(store.clone());
        let (engine, handle) = EngineBuilder::new(
            port.clone(),
            port.clone(),
            Arc::new(notifier.clone()),
            backends,
            clock.clone(),
        )
        .entropy(Arc::clone(&entropy))
        .build()
        .await
        .unwrap();
        let mut ready = engine.ready();
        let api = Arc::new(Api::new(
            handle.clone(),
            port,
            engine.ready(),
            entropy,
            Arc::new(Answers),
        ));
        let engine = tokio::spawn(engine.run());
        ready.wait_for(|ready| *ready).await.unwrap();
        handle.settled().await;
        let (filter, hooks) = (filter(&api), mikro2fa_http::routes::hook_filter(&api));
        Self {
            filter,
            hooks,
            token,
            store,
            router,
            notifier,
            handle,
            clock,
            office,
            ann,
            account,
            engine,
        }
    }

    /// A request with the token.
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let bearer = format!("Bearer {}", self.token.expose());
        warp::test::request()
            .method(method)
            .path(path)
            .header("authorization", bearer)
    }

    pub(crate) async fn call(&self, request: RequestBuilder) -> Answered {
        answered(&self.filter, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.call(self.request("GET", path)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Answered {
        self.call(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn seconds(&self, count: u64) {
        let settled = async || {
            // A router's hint is on its way until its listener has been polled.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            self.handle.settled().await;
        };
        self.clock
            .advance(Duration::from_secs(count), settled)
            .await;
    }

    /// Ann's session, confirmed and open.
    pub(crate) async fn open(&self) -> SessionId {
        self.handle
            .request_access(self.ann, self.account, self.office, None)
            .await
            .unwrap();
        self.handle.settled().await;
        self.router
            .dial(&Dial::new("ann", Ipv4Addr::new(10, 8, 0, 4)))
            .unwrap();
        self.seconds(1).await;
        let (session, challenge) = self.notifier.question_to(self.ann).unwrap();
        self.handle
            .answer(session, challenge, Answer::Yes, self.ann, None)
            .await
            .unwrap();
        self.handle.settled().await;
        session
    }
}

async fn put_token(store: &MemoryStore, token: &Token) {
    let stored = ApiToken {
        digest: token.digest(),
        name: "tester".into(),
        created_at: START,
        until: Some(START + Duration::from_secs(90_000)),
    };
    store
        .change(vec![DeskChange::PutToken(stored)], vec![])
        .await
        .unwrap();
}

pub(crate) async fn answered(
    filter: &BoxedFilter<(Response,)>,
    request: RequestBuilder,
) -> Answered {
    let response = request.reply(filter).await;
    Answered {
        status: response.status().as_u16(),
        body: serde_json::from_slice(response.body()).unwrap_or_default(),
        text: String::from_utf8_lossy(response.body()).into_owned(),
        headers: response.headers().clone(),
    }
}

/// Now, as bodies say it.
pub(crate) fn millis(clock: &ManualClock) -> i64 {
    clock.now().millis()
}
