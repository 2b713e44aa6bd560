//! Rendered keyboards: one row in the store each, without which their buttons mean nothing.
//!
//! A keyboard's id is made of the bot's token and of what caused it (a row of the outbox, an update), so that whoever
//! does not know the token cannot guess it, and a message that had to be sent twice carries the same buttons. The row
//! is written after the message went out, with the message's id in it, and kept in memory until then: a question is not
//! delayed by it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mikro2fa_core::{
    desk::{ChatId, User},
    directory::{DeskChange, Digest, Directory, Keyboard, KeyboardId, Press},
    secret::Secret,
    store::StoreError,
    time::Timestamp,
};
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use crate::callback::ButtonData;

/// A card's buttons are answered kindly long after the card's end: the longest session and 72 h more.
pub(crate) const CARD_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Buttons of a list.
pub(crate) const VIEW_LIFE: Duration = Duration::from_secs(600);
/// Buttons of a second step.
pub(crate) const CONFIRM_LIFE: Duration = Duration::from_secs(120);

/// A keyboard in the making: labels and what they do, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Buttons(Vec<Vec<(String, Press)>>);

impl Buttons {
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// One more row with one button.
    pub(crate) fn row(self, label: impl Into<String>, press: Press) -> Self {
        self.rows([(label.into(), press)])
    }

    /// One more row; nothing adds nothing.
    pub(crate) fn rows(mut self, row: impl IntoIterator<Item = (String, Press)>) -> Self {
        let row: Vec<_> = row.into_iter().collect();
        if !row.is_empty() {
            self.0.push(row);
        }
        self
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn presses(&self) -> Vec<Press> {
        self.0
            .iter()
            .flatten()
            .map(|(_, press)| press.clone())
            .collect()
    }

    /// Equal for keyboards that do the same: such a one keeps its row.
    pub(crate) fn fingerprint(&self) -> String {
        let presses = serde_json::to_string(&self.presses()).unwrap_or_default();
        Digest::of(&presses).hex().chars().take(16).collect()
    }

    /// As it is sent.
    pub(crate) fn markup(&self, id: KeyboardId) -> Option<InlineKeyboardMarkup> {
        if self.is_empty() {
            return None;
        }
        let mut slots = 0_u16..;
        let rows = self.0.iter().map(|row| {
            let buttons = row.iter().zip(&mut slots).filter_map(|((label, _), slot)| {
                Some(InlineKeyboardButton::callback(
                    label.clone(),
                    ButtonData::new(id, slot)?.encode(),
                ))
            });
            buttons.collect::<Vec<_>>()
        });
        Some(InlineKeyboardMarkup::new(rows))
    }
}

/// To whom a keyboard is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A user, in the chat that is linked now.
    User(mikro2fa_core::id::UserId, u32),
    /// An operator, or a person who asks to be let in.
    Chat,
}

impl Holder {
    pub(crate) const fn of(user: &User) -> Self {
        Self::User(user.id, user.link_generation)
    }
}

/// A keyboard as it went out.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) id: KeyboardId,
    pub(crate) chat: i64,
    pub(crate) holder: Holder,
    pub(crate) presses: Vec<Press>,
    pub(crate) made_at: Timestamp,
    /// Does it stand where something else stood a moment ago?
    pub(crate) replaces: bool,
    pub(crate) life: Duration,
}

/// The rows of keyboards.
#[derive(Debug)]
pub(crate) struct Keyboards {
    directory: Arc<dyn Directory>,
    token: Secret,
    pending: Mutex<BTreeMap<KeyboardId, Keyboard>>,
}

impl Keyboards {
    pub(crate) fn new(directory: Arc<dyn Directory>, token: Secret) -> Self {
        Self {
            directory,
            token,
            pending: Mutex::default(),
        }
    }

    /// The id of the keyboard that `cause` brings about.
    pub(crate) fn id(&self, cause: &str) -> KeyboardId {
        let digest = Digest::of(&format!("keyboard\n{}\n{cause}", self.token.expose()));
        let mut id = [0; 16];
        id.iter_mut()
            .zip(digest.0)
            .for_each(|(byte, digest)| *byte = digest);
        KeyboardId(id)
    }

    /// It is about to be shown: taps find it from now on.
    pub(crate) fn announce(&self, shown: &Shown) {
        let keyboard = row(shown, Vec::new());
        self.pending().insert(keyboard.id, keyboard);
    }

    /// It was shown in this message; `before` is dead now.
    pub(crate) async fn settle(
        &self,
        shown: &Shown,
        message: i64,
        before: Option<KeyboardId>,
    ) -> Result<(), StoreError> {
        let mut changes = vec![DeskChange::PutKeyboard(row(shown, vec![message]))];
        changes.extend(self.dead(before.filter(|id| *id != shown.id)).await?);
        let result = self.directory.change(changes, Vec::new()).await;
        self.forget(shown.id);
        result
    }

    /// It was not shown.
    pub(crate) fn forget(&self, id: KeyboardId) {
        self.pending().remove(&id);
    }

    /// Its buttons do nothing any more.
    pub(crate) async fn bury(&self, id: KeyboardId) -> Result<(), StoreError> {
        let changes: Vec<_> = self.dead(Some(id)).await?.into_iter().collect();
        if changes.is_empty() {
            Ok(())
        } else {
            self.directory.change(changes, Vec::new()).await
        }
    }

    /// The same keyboard now stands in another message too, or instead.
    pub(crate) async fn moved(&self, id: KeyboardId, message: i64) -> Result<(), StoreError> {
        let Some(mut keyboard) = self.directory.keyboard(id).await? else {
            return Ok(());
        };
        keyboard.messages = vec![message];
        self.directory
            .change(vec![DeskChange::PutKeyboard(keyboard)], Vec::new())
            .await
    }

    /// The row of a keyboard, if there is one.
    pub(crate) async fn find(&self, id: KeyboardId) -> Result<Option<Keyboard>, StoreError> {
        if let Some(keyboard) = self.pending().get(&id) {
            return Ok(Some(keyboard.clone()));
        }
        self.directory.keyboard(id).await
    }

    async fn dead(&self, id: Option<KeyboardId>) -> Result<Option<DeskChange>, StoreError> {
        let Some(id) = id else {
            return Ok(None);
        };
        let found = self
            .directory
            .keyboard(id)
            .await?
            .filter(|keyboard| !keyboard.dead);
        Ok(found.map(|keyboard| {
            DeskChange::PutKeyboard(Keyboard {
                dead: true,
                ..keyboard
            })
        }))
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<KeyboardId, Keyboard>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row(shown: &Shown, messages: Vec<i64>) -> Keyboard {
    let (user, link_generation) = match shown.holder {
        Holder::User(user, generation) => (Some(user), generation),
        Holder::Chat => (None, 0),
    };
    Keyboard {
        id: shown.id,
        chat: ChatId(shown.chat),
        user,
        link_generation,
        messages,
        presses: shown.presses.clone(),
        made_at: shown.made_at,
        replaces: shown.replaces,
        ends_at: shown.made_at + shown.life,
        dead: false,
    }
}
