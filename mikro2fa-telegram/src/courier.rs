//! Brings messages into chats: what notifier and bot have in common.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{Language, User},
    directory::{Directory, KeyboardId},
    store::StoreError,
    time::{Clock, Timestamp},
};
use teloxide::types::{KeyboardButton, KeyboardMarkup};
use tracing::warn;

use crate::{
    api::{Api, Outgoing},
    config::TelegramConfig,
    error::Error,
    keyboard::{Buttons, Holder, Keyboards, Shown},
    pace::Pace,
    render::{Rendered, Scene},
    text::{Args, Key, Reader, Texts},
    trouble::Trouble,
};

/// Everything that is needed to say something.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) api: Api,
    pub(crate) texts: Texts,
    pub(crate) keyboards: Keyboards,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pace: Pace,
}

/// A message that stands in a chat, and its buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) chat: i64,
    pub(crate) message: i64,
    pub(crate) keyboard: Option<KeyboardId>,
    /// See [`Buttons::fingerprint`].
    pub(crate) fingerprint: String,
    pub(crate) sent_at: Timestamp,
}

/// Whose message it is and what brings it about: what the id of a new keyboard is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(crate) chat: i64,
    pub(crate) holder: Holder,
    pub(crate) cause: &'a str,
    pub(crate) life: Duration,
}

impl Courier {
    pub(crate) fn new(
        config: &TelegramConfig,
        directory: Arc<dyn Directory>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        Ok(Self {
            api: Api::new(&config.token, &config.api_url)?,
            texts: Texts::new(),
            keyboards: Keyboards::new(Arc::clone(&directory), config.token.clone()),
            directory,
            pace: Pace::new(config.per_second, Arc::clone(&clock)),
            clock,
        })
    }

    pub(crate) fn scene(&self, reader: Reader) -> Scene<'_> {
        Scene {
            texts: &self.texts,
            reader,
            now: self.clock.now(),
        }
    }

    /// A new message.
    pub(crate) async fn send(
        &self,
        address: Address<'_>,
        rendered: &Rendered,
    ) -> Result<Placed, Trouble> {
        self.send_like(address, rendered, None).await
    }

    /// A new message; one that does the same as `like` has its buttons too.
    pub(crate) async fn send_like(
        &self,
        address: Address<'_>,
        rendered: &Rendered,
        like: Option<&Placed>,
    ) -> Result<Placed, Trouble> {
        let (placed, shown) = self.prepare(address, &rendered.buttons, like, false);
        let outgoing = self.outgoing(address, rendered, placed.keyboard).await;
        let sent = self
            .paced(address.chat, self.api.send(address.chat, &outgoing))
            .await;
        match sent {
            Ok(message) => {
                self.settle(shown, message, like).await;
                Ok(Placed { message, ..placed })
            }
            Err(trouble) => {
                // It may stand there nonetheless: then its buttons work all the same.
                if let (Some(shown), false) = (shown, matches!(trouble, Trouble::Unknown(_))) {
                    self.keyboards.forget(shown.id);
                }
                Err(trouble)
            }
        }
    }

    /// Another content for a message that stands there.
    pub(crate) async fn edit(
        &self,
        address: Address<'_>,
        rendered: &Rendered,
        old: &Placed,
    ) -> Result<Placed, Trouble> {
        let (placed, shown) = self.prepare(address, &rendered.buttons, Some(old), true);
        let outgoing = self.outgoing(address, rendered, placed.keyboard).await;
        if let Err(trouble) = self
            .paced(
                address.chat,
                self.api.edit(address.chat, old.message, &outgoing),
            )
            .await
        {
            if let (Some(shown), false) = (shown, matches!(trouble, Trouble::Unknown(_))) {
                self.keyboards.forget(shown.id);
            }
            return Err(trouble);
        }
        self.settle(shown, old.message, Some(old)).await;
        Ok(Placed {
            message: old.message,
            sent_at: old.sent_at,
            ..placed
        })
    }

    /// A message without buttons that nobody has to answer for: a failure is logged, and that is all.
    pub(crate) async fn tell(&self, chat: i64, outgoing: Outgoing) -> Option<i64> {
        match self.paced(chat, self.api.send(chat, &outgoing)).await {
            Ok(message) => Some(message),
            Err(trouble) => {
                warn!(?trouble, "a message could not be sent");
                None
            }
        }
    }

    /// Takes an old message out of the way: deleted, or if that is not possible any more, pointing on.
    pub(crate) async fn clear(&self, old: &Placed, language: Language) {
        let cleared = match self.api.delete(old.chat, old.message).await {
            Err(Trouble::CannotDelete) => {
                let pointer =
                    Outgoing::new(self.texts.html(language, Key::CardMoved, &Args::new()));
                self.api.edit(old.chat, old.message, &pointer).await
            }
            other => other,
        };
        if let Err(trouble) = cleared {
            warn!(?trouble, "an old card stays in its place");
        }
    }

    /// How a user reads.
    pub(crate) fn reader(user: &User) -> Reader {
        Reader::new(user.language).in_zone(user.zone_minutes)
    }

    /// The reply keyboard of somebody who is linked.
    pub(crate) fn menu(&self, language: Language, operator: bool) -> KeyboardMarkup {
        let key = |key| KeyboardButton::new(self.texts.words(language, key));
        let mut rows = vec![
            vec![key(Key::MenuRequest)],
            vec![key(Key::MenuSessions), key(Key::MenuStatus)],
            vec![key(Key::MenuOff)],
        ];
        if operator {
            rows.push(vec![key(Key::MenuAdmin)]);
        }
        KeyboardMarkup::new(rows).persistent().resize_keyboard()
    }

    /// Does somebody administer from this chat?
    pub(crate) async fn is_operator(&self, chat: i64) -> Result<bool, StoreError> {
        let operators = self.directory.operators().await?;
        Ok(operators
            .iter()
            .any(|operator| operator.chat.is_some_and(|id| id.0 == chat)))
    }

    async fn paced<T>(
        &self,
        chat: i64,
        call: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        self.pace.turn(chat).await.map_err(Trouble::SlowDown)?;
        let result = call.await;
        if let Err(Trouble::SlowDown(pause)) = &result {
            self.pace.refused(chat, *pause);
        }
        result
    }

    /// Which keyboard a message gets: the one it had, if it does the same, or a new one, which taps find from now on.
    fn prepare(
        &self,
        address: Address<'_>,
        buttons: &Buttons,
        before: Option<&Placed>,
        replaces: bool,
    ) -> (Placed, Option<Shown>) {
        let now = self.clock.now();
        let fingerprint = match address.holder {
            Holder::User(_, generation) => format!("{}.{generation}", buttons.fingerprint()),
            Holder::Chat => buttons.fingerprint(),
        };
        let kept = before
            .filter(|old| old.fingerprint == fingerprint)
            .and_then(|old| old.keyboard);
        let keyboard =
            (!buttons.is_empty()).then(|| kept.unwrap_or_else(|| self.keyboards.id(address.cause)));
        let shown = keyboard.map(|id| Shown {
            id,
            chat: address.chat,
            holder: address.holder,
            presses: buttons.presses(),
            made_at: now,
            replaces: replaces && kept.is_none(),
            life: address.life,
        });
        if let (Some(shown), None) = (&shown, kept) {
            self.keyboards.announce(shown);
        }
        let placed = Placed {
            chat: address.chat,
            message: 0,
            keyboard,
            fingerprint,
            sent_at: now,
        };
        (placed, shown)
    }

    /// Writes down which buttons stand where. What cannot be written down is known in memory, and logged.
    async fn settle(&self, shown: Option<Shown>, message: i64, before: Option<&Placed>) {
        let old = before.and_then(|old| old.keyboard);
        let settled = match (shown, before) {
            (Some(shown), Some(before)) if old == Some(shown.id) => {
                if before.message == message {
                    Ok(())
                } else {
                    self.keyboards.moved(shown.id, message).await
                }
            }
            (Some(shown), _) => self.keyboards.settle(&shown, message, old).await,
            (None, _) => match old {
                Some(old) => self.keyboards.bury(old).await,
                None => Ok(()),
            },
        };
        if let Err(error) = settled {
            warn!(%error, "a keyboard could not be written down");
        }
    }

    async fn outgoing(
        &self,
        address: Address<'_>,
        rendered: &Rendered,
        keyboard: Option<KeyboardId>,
    ) -> Outgoing {
        let mut outgoing = Outgoing {
            html: rendered.html.clone(),
            markup: None,
            silent: rendered.silent,
            protect: rendered.protect,
        };
        if let Some(markup) = keyboard.and_then(|id| rendered.buttons.markup(id)) {
            outgoing = outgoing.markup(markup);
        } else if rendered.menu {
            // Without an answer of the database the menu lacks one row until the next time.
            let operator = self.is_operator(address.chat).await.unwrap_or_default();
            let language = rendered.language;
            outgoing = outgoing.markup(self.menu(language, operator));
        }
        outgoing
    }
}
