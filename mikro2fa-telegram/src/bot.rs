//! The Telegram side as a whole: what says things, and what listens.

use std::sync::{Arc, OnceLock};

use mikro2fa_core::{
    desk::Language, directory::Directory, engine::EngineHandle, entropy::Entropy, store::Store,
    time::Clock,
};
use teloxide::types::BotCommandScope;
use tracing::{info, warn};

use crate::{
    command::{Command, Listed},
    config::TelegramConfig,
    courier::Courier,
    dialogue::Dialogues,
    error::Error,
    notifier::TelegramNotifier,
    office::Office,
    poll::Poller,
    throttle::Throttle,
    trouble::Trouble,
};

/// A bot's token, and what is said and heard through it. Makes the notifier, which the engine is built with, and then,
/// with the engine's handle, the bot.
#[derive(Clone, Debug)]
pub struct Telegram {
    courier: Arc<Courier>,
    self_registration: bool,
}

/// What `getMe` says of the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BotIdentity {
    /// Its user name, without `@`: people find it by `https://t.me/<username>`.
    pub username: String,
    /// It can be added to groups. It leaves them at once; turning that off in BotFather saves the trouble.
    pub can_join_groups: bool,
}

impl Telegram {
    /// Checks the configuration. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::MalformedToken`], [`Error::MalformedApiUrl`].
    pub fn new(
        config: &TelegramConfig,
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let courier = Arc::new(Courier::new(config, directory, clock)?);
        Ok(Self {
            courier,
            self_registration: config.self_registration,
        })
    }

    /// Asks Telegram who the bot is: the shortest way to find out whether the token is right.
    ///
    /// # Errors
    ///
    /// [`Error::TokenRefused`]; [`Error::Unreachable`] if Telegram does not answer, which says nothing about the token.
    pub async fn identify(&self) -> Result<BotIdentity, Error> {
        match self.courier.api.get_me().await {
            Ok(me) => Ok(BotIdentity {
                username: me.username.unwrap_or_default(),
                can_join_groups: me.can_join_groups,
            }),
            Err(Trouble::Token) => Err(Error::TokenRefused),
            Err(trouble) => Err(Error::Unreachable(format!("{trouble:?}"))),
        }
    }

    /// What the engine says things through.
    pub fn notifier(&self) -> TelegramNotifier {
        TelegramNotifier::new(Arc::clone(&self.courier))
    }

    /// What listens, and calls the engine.
    pub fn bot(
        &self,
        engine: EngineHandle,
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
    ) -> Bot {
        Bot {
            office: Arc::new(Office {
                courier: Arc::clone(&self.courier),
                engine,
                store,
                entropy,
                self_registration: self.self_registration,
                throttle: Throttle::new(),
                dialogues: Dialogues::default(),
                username: OnceLock::new(),
            }),
        }
    }
}

/// Listens to Telegram by long polling. One at a time for a token: a second one takes the updates away from the first.
#[derive(Debug)]
pub struct Bot {
    office: Arc<Office>,
}

impl Bot {
    /// Runs until `stop` completes: what was fetched is dealt with and confirmed, nothing more is fetched.
    ///
    /// Dropping this future instead is a crash, and loses nothing: an update is confirmed only when its effect is
    /// durable, and comes again otherwise.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = self.listen(stop) => {}
            () = crate::countdown::run(&self.office) => {}
        }
    }

    async fn listen(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut poller = Poller::new(Arc::clone(&self.office));
        let introduction = self.introduce();
        tokio::pin!(introduction);
        let mut introduced = false;
        loop {
            // A round that is broken off while it waits has lost nothing; one that has updates in hand is finished.
            let round = poller.fetch();
            tokio::pin!(round);
            let fetched = loop {
                tokio::select! {
                    biased;
                    () = &mut stop => break None,
                    fetched = &mut round => break Some(fetched),
                    () = &mut introduction, if !introduced => introduced = true,
                }
            };
            let Some(fetched) = fetched else { break };
            if let Some(until) = poller.digest(fetched).await {
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    () = self.office.courier.clock.sleep_until(until) => {}
                }
            }
        }
        poller.finish().await;
        info!("the bot has stopped");
    }

    /// Learns its own name, and says to everybody which command there is. What fails here is no reason not to listen.
    async fn introduce(&self) {
        let office = &self.office;
        match office.courier.api.get_me().await {
            Ok(me) => {
                if me.can_join_groups {
                    warn!(
                        "the bot can be added to groups: turn that off in BotFather (/setjoingroups)"
                    );
                }
                // Set once only; a name that was there already is the same.
                let _ = office.username.set(me.username.unwrap_or_default());
            }
            Err(trouble) => warn!(?trouble, "telegram did not say who the bot is"),
        }
        for (code, language) in [
            (None, Language::En),
            (Some("en"), Language::En),
            (Some("ru"), Language::Ru),
        ] {
            let commands = Command::list(&office.courier.texts, language, Listed::Stranger);
            if let Err(trouble) = office
                .courier
                .api
                .set_commands(BotCommandScope::Default, code, commands)
                .await
            {
                warn!(?trouble, "the list of commands could not be set");
            }
        }
    }
}
