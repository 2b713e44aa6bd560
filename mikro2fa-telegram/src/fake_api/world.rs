//! What the fake server knows: people, chats, messages, taps, calls.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::{
    limits::{Limits, Rates},
    refusal::Refusal,
    updates::Updates,
};
use crate::markup::Entity;

/// A button of an inline keyboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeButton {
    /// What stands on it.
    pub label: String,
    /// What a tap sends to the bot.
    pub data: String,
}

/// A message in a chat, as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeMessage {
    /// Its id; ids grow over all chats of the bot.
    pub id: i64,
    /// Whether the bot wrote it.
    pub from_bot: bool,
    /// The text as it was sent, with tags if it was sent as HTML.
    pub html: String,
    /// The text as it is read.
    pub text: String,
    /// What is marked in `text`.
    pub entities: Vec<Entity>,
    /// The buttons under it, row by row.
    pub keyboard: Vec<Vec<FakeButton>>,
    /// Sent without sound.
    pub silent: bool,
    /// Can't be forwarded or copied.
    pub protected: bool,
    /// Links in it show no preview.
    pub preview_off: bool,
    /// Deleted; kept here so that a test can see what was there.
    pub deleted: bool,
    /// How often it was edited.
    pub edits: u32,
    /// When it was sent, milliseconds since 1970.
    pub sent_at: i64,
    /// When it was last edited, milliseconds since 1970.
    pub edited_at: Option<i64>,
}

impl FakeMessage {
    /// The button with this label or this data.
    pub fn button(&self, label_or_data: &str) -> Option<&FakeButton> {
        self.keyboard
            .iter()
            .flatten()
            .find(|button| button.label == label_or_data || button.data == label_or_data)
    }

    /// The labels of all buttons, in reading order.
    pub fn labels(&self) -> Vec<&str> {
        self.keyboard
            .iter()
            .flatten()
            .map(|button| button.label.as_str())
            .collect()
    }

    /// What a lock screen shows: the first two lines.
    pub fn lock_screen(&self) -> String {
        self.text
            .lines()
            .filter(|line| !line.is_empty())
            .take(2)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// What the bot answered to a tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeAnswer {
    /// The words; empty = the button only stops spinning.
    pub text: String,
    /// Shown as a window to close (`true`) or for a moment at the edge (`false`).
    pub popup: bool,
    /// When it came, milliseconds since 1970.
    pub at: i64,
}

/// A tap on a button, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeTap {
    /// The callback query's id.
    pub id: String,
    /// Who tapped.
    pub user: i64,
    /// In which chat.
    pub chat: i64,
    /// Under which message.
    pub message: i64,
    /// What was sent.
    pub data: String,
    /// When, milliseconds since 1970.
    pub at: i64,
    /// What the bot answered; the first answer counts.
    pub answer: Option<FakeAnswer>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// Done and answered.
    Done,
    /// Refused.
    Refused(Refusal),
    /// The caller was told nothing, or something else than what happened, by an injected fault.
    Faulted,
    /// Not over yet: a poll that waits, or a stalled call.
    Running,
}

/// A call of the bot.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeCall {
    /// Its number, from 1.
    pub seq: u64,
    /// When it came, milliseconds since 1970.
    pub at: i64,
    /// The method in the documentation's spelling.
    pub method: &'static str,
    /// What was sent.
    pub params: Value,
    /// How it ended.
    pub outcome: CallOutcome,
}

impl FakeCall {
    /// The chat it was about.
    pub fn chat(&self) -> Option<i64> {
        chat_of(&self.params)
    }
}

pub(super) fn chat_of(params: &Value) -> Option<i64> {
    let id = params.get("chat_id")?;
    id.as_i64().or_else(|| id.as_str()?.parse().ok())
}

/// A webhook as it was set. The fake server keeps it and sends nothing there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeWebhook {
    /// Where updates would go.
    pub url: String,
    /// The secret that would go along.
    pub secret_token: Option<String>,
    /// How many connections at most.
    pub max_connections: i64,
}

/// What stands between the bot and a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody wrote to the bot yet.
    Stranger,
    Member,
    Blocked,
    Deactivated,
    Kicked,
}

#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) first_name: String,
    pub(super) username: Option<String>,
    pub(super) language_code: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Chat {
    pub(super) id: i64,
    /// `None` for a private chat.
    pub(super) title: Option<String>,
    pub(super) standing: Standing,
    pub(super) messages: Vec<FakeMessage>,
    pub(super) menu: Vec<Vec<String>>,
}

impl Chat {
    pub(super) fn find(&mut self, message: i64) -> Option<&mut FakeMessage> {
        let at = self
            .messages
            .binary_search_by_key(&message, |m| m.id)
            .ok()?;
        self.messages.get_mut(at)
    }
}

/// A list of commands: whom it is for (scope as JSON text, language), what it holds.
pub(super) type Commands = BTreeMap<(String, String), Vec<(String, String)>>;

/// Everything the fake server knows. Conditions of [`super::FakeBotApi::until`] look at it.
#[derive(Debug)]
pub struct World {
    pub(super) bot_id: i64,
    pub(super) bot_username: String,
    pub(super) can_join_groups: bool,
    pub(super) token: String,
    pub(super) revoked: bool,
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) updates: Updates,
    pub(super) calls: VecDeque<FakeCall>,
    pub(super) calls_made: u64,
    pub(super) keep_calls: usize,
    pub(super) taps: Vec<FakeTap>,
    pub(super) commands: Commands,
    pub(super) webhook: Option<FakeWebhook>,
    pub(super) limits: Option<Limits>,
    pub(super) rates: Rates,
    pub(super) next_message: i64,
    /// Whose turn it is to poll; a newer poll takes it away.
    pub(super) poll: Poll,
    pub(super) in_flight: usize,
}

/// What takes the turn away from a poll that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ended {
    #[default]
    OtherPoller,
    Webhook,
    Revoked,
}

/// The state of polling.
#[derive(Debug, Default)]
pub(super) struct Poll {
    pub(super) turn: u64,
    pub(super) waiting: bool,
    pub(super) ended_by: Ended,
    pub(super) last_offset: Option<i64>,
    pub(super) last_at: i64,
    pub(super) conflict_free_from: i64,
}

impl Poll {
    /// Whoever waits is sent away.
    pub(super) fn end(&mut self, by: Ended) {
        self.turn += 1;
        self.waiting = false;
        self.ended_by = by;
    }
}

impl World {
    /// The messages of a chat, deleted ones among them; empty if there is no such chat.
    pub fn messages(&self, chat: i64) -> &[FakeMessage] {
        self.chats
            .get(&chat)
            .map(|chat| chat.messages.as_slice())
            .unwrap_or_default()
    }

    /// One message that is still there.
    pub fn message(&self, chat: i64, id: i64) -> Option<&FakeMessage> {
        self.shown(chat).find(|message| message.id == id)
    }

    /// The messages of a chat that are still there.
    pub fn shown(&self, chat: i64) -> impl DoubleEndedIterator<Item = &FakeMessage> {
        self.messages(chat)
            .iter()
            .filter(|message| !message.deleted)
    }

    /// The newest message of the bot's in a chat that is still there.
    pub fn last_from_bot(&self, chat: i64) -> Option<&FakeMessage> {
        self.shown(chat).rev().find(|message| message.from_bot)
    }

    /// The reply keyboard of a chat, row by row; empty = none.
    pub fn menu(&self, chat: i64) -> &[Vec<String>] {
        self.chats
            .get(&chat)
            .map(|chat| chat.menu.as_slice())
            .unwrap_or_default()
    }

    /// All taps, in order.
    pub fn taps(&self) -> &[FakeTap] {
        &self.taps
    }

    /// One tap.
    pub fn tap(&self, id: &str) -> Option<&FakeTap> {
        self.taps.iter().rev().find(|tap| tap.id == id)
    }

    /// The calls of the bot, oldest first; only the newest are kept (`FakeConfig::keep_calls`).
    pub fn calls(&self) -> impl DoubleEndedIterator<Item = &FakeCall> {
        self.calls.iter()
    }

    /// How many calls of this method are on record.
    pub fn count(&self, method: &str) -> usize {
        self.calls()
            .filter(|call| call.method.eq_ignore_ascii_case(method))
            .count()
    }

    /// Updates that the bot has not confirmed.
    pub fn pending_updates(&self) -> usize {
        self.updates.len()
    }

    /// Updates that were lost because nobody fetched them in time.
    pub fn expired_updates(&self) -> u64 {
        self.updates.expired()
    }

    /// Calls being worked on, other than polls that wait.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a poll waits for updates.
    pub fn polling(&self) -> bool {
        self.poll.waiting
    }

    /// The webhook, if one is set.
    pub fn webhook(&self) -> Option<&FakeWebhook> {
        self.webhook.as_ref()
    }

    /// The commands shown in a chat to somebody with this language code: of scope `chat`, else the default ones.
    pub fn commands(&self, chat: i64, language_code: &str) -> Vec<(String, String)> {
        let chat = super::methods::chat_scope(chat);
        let default = super::methods::DEFAULT_SCOPE.to_owned();
        [
            (&chat, language_code),
            (&chat, ""),
            (&default, language_code),
            (&default, ""),
        ]
        .into_iter()
        .find_map(|(scope, language)| {
            self.commands
                .get(&(scope.clone(), language.to_owned()))
                .cloned()
        })
        .unwrap_or_default()
    }

    pub(super) fn new_message_id(&mut self) -> i64 {
        let id = self.next_message;
        self.next_message += 1;
        id
    }

    pub(super) fn record(&mut self, method: &'static str, params: Value, at: i64) -> u64 {
        self.calls_made += 1;
        if self.calls.len() >= self.keep_calls {
            self.calls.pop_front();
        }
        self.calls.push_back(FakeCall {
            seq: self.calls_made,
            at,
            method,
            params,
            outcome: CallOutcome::Running,
        });
        self.calls_made
    }

    pub(super) fn conclude(&mut self, seq: u64, outcome: CallOutcome) {
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.seq == seq) {
            call.outcome = outcome;
        }
    }
}
