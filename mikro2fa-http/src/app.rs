//! The one place where the parts are put together: database, routers, messenger, engine, HTTP. `serve` starts it as
//! configured; the demo starts the same against a simulated router and a stand-in for Telegram.

mod backends;
mod checks;
mod messenger;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mikro2fa_core::{
    directory::Directory,
    engine::{EngineBuilder, EngineHandle},
    entropy::{Entropy, SystemEntropy},
    store::{Store, StoreError},
    time::Clock,
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use self::{
    backends::RouterOsBackends,
    checks::NetworkChecks,
    messenger::{BotKeeper, Messenger},
};
use crate::{
    auth::Token,
    first_run,
    routes::{self, Api},
    server::{self, BindError},
};

/// How often it is looked whether a command line beside us has changed the desk.
const DESK_POLL: Duration = Duration::from_secs(10);

/// How long everything together may take to stop.
const LAST_CALL: Duration = Duration::from_secs(10);

/// What an app is made of.
#[derive(Debug)]
pub struct Plan {
    /// Where REST, health and metrics are served.
    pub listen: SocketAddr,
    /// Where routers call the webhook; the same as `listen` = there.
    pub hook_listen: SocketAddr,
    /// The database.
    pub database: DatabaseUrl,
    /// What its secrets are sealed with.
    pub key: Key,
    /// The Bot API, without a slash at its end.
    pub telegram_api_url: String,
    /// How many messages a second at most: Telegram itself takes about 30. None = as fast as it goes, for a Bot API that
    /// has no limits.
    pub telegram_per_second: Option<u32>,
    /// The engine's only time.
    pub clock: Arc<dyn Clock>,
}

/// Why an app does not start. Nothing of it is left then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// An address can't be served.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The database can't be used.
    #[error("the database {url} can't be used: {source}")]
    Database {
        /// Which, without its password.
        url: String,
        /// Why.
        source: StoreError,
    },
    /// The database's secrets were sealed with another key.
    #[error(
        "the secrets in the database {url} were sealed with another key: give the key that was used so far \
         (key_file or MIKRO2FA_KEY)"
    )]
    OtherKey {
        /// Which, without its password.
        url: String,
    },
}

/// A running mikro2fa. Dropping it is a crash, which loses nothing; [`App::stop`] is kinder to callers.
#[derive(Debug)]
pub struct App {
    /// Where REST is served: of use where the plan said port 0.
    pub address: SocketAddr,
    /// Where the webhook is served.
    pub hook_address: SocketAddr,
    /// The engine.
    pub engine: EngineHandle,
    /// The token to be shown once, if this was the first run.
    pub first_token: Option<Token>,
    store: DieselStore,
    stop: CancellationToken,
    engine_stop: CancellationToken,
    /// What calls the engine: HTTP and the bot. Ends before it.
    callers: JoinSet<()>,
    workers: JoinSet<()>,
}

impl App {
    /// Starts everything. Returns when REST answers; `/readyz` says when all routers have been looked at.
    ///
    /// # Errors
    ///
    /// [`AppError`]: what can't be had is said before anything runs.
    pub async fn start(plan: Plan) -> Result<Self, AppError> {
        let listener = server::bind(plan.listen).await?;
        let hook_listener = match plan.hook_listen {
            address if address == plan.listen => None,
            address => Some(server::bind(address).await?),
        };
        let store = open(&plan).await?;
        Self::assemble(&plan, store, listener, hook_listener)
            .await
            .map_err(|source| database(&plan, source))
    }

    async fn assemble(
        plan: &Plan,
        store: DieselStore,
        listener: TcpListener,
        hook_listener: Option<TcpListener>,
    ) -> Result<Self, StoreError> {
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let directory: Arc<dyn Directory> = Arc::new(store.clone());
        let port: Arc<dyn Store> = Arc::new(store.clone());
        let first_token = first_run::first_token(&directory, &*entropy, plan.clock.now()).await?;
        let messenger = Arc::new(Messenger::default());
        let backends = Arc::new(RouterOsBackends::new(Arc::clone(&plan.clock)));
        let clock = &plan.clock;
        let (engine, handle) = EngineBuilder::new(
            Arc::clone(&port),
            Arc::clone(&directory),
            Arc::clone(&messenger) as _,
            backends,
            Arc::clone(clock),
        )
        .answers_by_polling()
        .desk_poll(DESK_POLL)
        .build()
        .await?;
        let checks = NetworkChecks {
            telegram_api_url: plan.telegram_api_url.clone(),
            directory: Arc::clone(&directory),
            clock: Arc::clone(clock),
        };
        let api = Api::new(
            handle.clone(),
            Arc::clone(&port),
            engine.ready(),
            Arc::clone(&entropy),
            Arc::new(checks),
        );
        let bot = BotKeeper {
            messenger,
            api_url: plan.telegram_api_url.clone(),
            per_second: plan.telegram_per_second,
            engine: handle.clone(),
            directory,
            store: port,
            clock: Arc::clone(clock),
            entropy,
            changed: Arc::clone(&api.bot_changed),
        };
        let api = Arc::new(api);
        let (stop, engine_stop) = (CancellationToken::new(), CancellationToken::new());
        let mut workers = JoinSet::new();
        let last_call = engine_stop.clone();
        workers.spawn(async move { engine.run_until(last_call.cancelled()).await });
        let mut callers = JoinSet::new();
        callers.spawn(bot.run(stop.clone()));
        let address = local(&listener, plan.listen);
        let hook_address = hook_listener
            .as_ref()
            .map_or(address, |listener| local(listener, plan.hook_listen));
        callers.spawn(server::serve(listener, routes::filter(&api), stop.clone()));
        if let Some(listener) = hook_listener {
            callers.spawn(server::serve(
                listener,
                routes::hook_filter(&api),
                stop.clone(),
            ));
        }
        Ok(Self {
            address,
            hook_address,
            engine: handle,
            first_token,
            store,
            stop,
            engine_stop,
            callers,
            workers,
        })
    }

    /// Stops taking calls, lets those that run end and the bot confirm what it has, writes down what was taken, and
    /// closes the database. Permits stay: the lease is theirs.
    ///
    /// # Errors
    ///
    /// If the audit log's last checkpoint could not be written; everything is stopped all the same.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        self.stop.cancel();
        let ended = async {
            while self.callers.join_next().await.is_some() {}
            self.engine_stop.cancel();
            while self.workers.join_next().await.is_some() {}
        };
        if timeout(LAST_CALL, ended).await.is_err() {
            tracing::warn!("what took too long was cut");
        }
        self.kill().await
    }

    /// Stops everything where it is, as a crash would. Waits only until the database is free again.
    ///
    /// # Errors
    ///
    /// As [`App::stop`].
    pub async fn kill(mut self) -> Result<(), StoreError> {
        self.callers.shutdown().await;
        self.workers.shutdown().await;
        self.store.close().await
    }
}

async fn open(plan: &Plan) -> Result<DieselStore, AppError> {
    let store = DieselStore::open(&plan.database, &plan.key, Options::default())
        .await
        .map_err(|source| database(plan, source))?;
    // Opens whatever is sealed: a wrong key is told now, and not when the first router is looked at.
    let sealed = async {
        store.routers().await?;
        store.secret(routes::BOT_TOKEN).await
    };
    sealed.await.map_err(|source| database(plan, source))?;
    Ok(store)
}

fn database(plan: &Plan, source: StoreError) -> AppError {
    let url = plan.database.to_string();
    match source {
        StoreError::Sealed(_) => AppError::OtherKey { url },
        source => AppError::Database { url, source },
    }
}

fn local(listener: &TcpListener, planned: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(planned)
}
