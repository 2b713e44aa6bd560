//! The other side of the chat: people with phones, and groups.

use std::sync::Arc;

use serde_json::{Value, json};
use thiserror::Error;

use super::{
    NotSeen, Shared, json,
    world::{Chat, FakeAnswer, FakeMessage, FakeTap, Person, Standing, World},
};
use crate::markup::Entity;

/// Why a finger found nothing to tap.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PhoneError {
    /// The message is not in the chat, or was deleted.
    #[error("there is no message {0} in this chat (any more)")]
    NoMessage(i64),
    /// No such button under it.
    #[error("message {message} has no button {wanted:?}; it has {there:?}")]
    NoButton {
        /// The message.
        message: i64,
        /// What was looked for.
        wanted: String,
        /// The labels that are there.
        there: Vec<String>,
    },
}

/// A person with a phone, and the private chat with the bot on it. Clones are the same person.
#[derive(Clone, Debug)]
pub struct FakeUser {
    shared: Arc<Shared>,
    id: i64,
}

impl FakeUser {
    pub(super) fn new(shared: Arc<Shared>, id: i64) -> Self {
        Self { shared, id }
    }

    /// The person's Telegram id, which is the private chat's id too.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Writes to the bot, and says the message's id. Whoever had blocked the bot takes that back, as the app does.
    pub fn send(&self, text: &str) -> i64 {
        if self.shared.peek(|world| standing(world, self.id)) == Some(Standing::Blocked) {
            self.unblock_bot();
        }
        let now = self.shared.clock.now();
        self.shared.change(|world| {
            if let Some(chat) = world.chats.get_mut(&self.id) {
                chat.standing = Standing::Member;
            }
            write(world, self.id, self.id, text, now)
        })
    }

    /// Taps the button with this label or data, and says the tap's id.
    ///
    /// # Errors
    ///
    /// The message or the button is not there.
    pub fn tap(&self, message: i64, label_or_data: &str) -> Result<String, PhoneError> {
        let data = self.shared.peek(|world| {
            let found = world
                .message(self.id, message)
                .ok_or(PhoneError::NoMessage(message))?;
            let button = found
                .button(label_or_data)
                .ok_or_else(|| PhoneError::NoButton {
                    message,
                    wanted: label_or_data.to_owned(),
                    there: found.labels().into_iter().map(str::to_owned).collect(),
                })?;
            Ok(button.data.clone())
        })?;
        Ok(self.tap_raw(message, &data))
    }

    /// Sends any data as a tap under any message, as an old screen or a changed app can, and says the tap's id.
    pub fn tap_raw(&self, message: i64, data: &str) -> String {
        let now = self.shared.clock.now();
        self.shared
            .change(|world| tap(world, self.id, self.id, Some(message), data, now))
    }

    /// Sends a tap that belongs to no message of the bot's, as under a result of an inline query.
    pub fn tap_inline(&self, data: &str) -> String {
        let now = self.shared.clock.now();
        self.shared
            .change(|world| tap(world, self.id, self.id, None, data, now))
    }

    /// Blocks the bot; it is told so, and can't write here any more.
    pub fn block_bot(&self) {
        self.change_standing(Standing::Blocked, "member", "kicked");
    }

    /// Takes the block back.
    pub fn unblock_bot(&self) {
        self.change_standing(Standing::Member, "kicked", "member");
    }

    /// Deletes the Telegram account. The bot hears of it at its next message.
    pub fn deactivate(&self) {
        self.shared
            .change(|world| set_standing(world, self.id, Standing::Deactivated));
    }

    /// Deletes everything in the chat, for both sides.
    pub fn clear_chat(&self) {
        self.shared.change(|world| {
            let messages = world
                .chats
                .get_mut(&self.id)
                .map(|chat| chat.messages.iter_mut());
            messages
                .into_iter()
                .flatten()
                .for_each(|message| message.deleted = true);
        });
    }

    /// Everything in the chat, deleted messages among it.
    pub fn chat(&self) -> Vec<FakeMessage> {
        self.shared.peek(|world| world.messages(self.id).to_vec())
    }

    /// What is still in the chat.
    pub fn shown(&self) -> Vec<FakeMessage> {
        self.shared
            .peek(|world| world.shown(self.id).cloned().collect())
    }

    /// The newest message of the bot's that is still there.
    pub fn last(&self) -> Option<FakeMessage> {
        self.shared
            .peek(|world| world.last_from_bot(self.id).cloned())
    }

    /// One message that is still there.
    pub fn message(&self, id: i64) -> Option<FakeMessage> {
        self.shared
            .peek(|world| world.message(self.id, id).cloned())
    }

    /// The reply keyboard, row by row.
    pub fn menu(&self) -> Vec<Vec<String>> {
        self.shared.peek(|world| world.menu(self.id).to_vec())
    }

    /// Waits for a message of the bot's that is still there and fits, and gives the newest such.
    ///
    /// # Errors
    ///
    /// The watchdog's time is over.
    pub async fn message_where(
        &self,
        fits: impl Fn(&FakeMessage) -> bool,
    ) -> Result<FakeMessage, NotSeen> {
        let newest = |world: &World| {
            world
                .shown(self.id)
                .rev()
                .find(|m| m.from_bot && fits(m))
                .cloned()
        };
        self.shared.wait_for("a message that fits", newest).await
    }

    /// Waits for the bot's answer to a tap.
    ///
    /// # Errors
    ///
    /// The watchdog's time is over.
    pub async fn answer_to(&self, tap: &str) -> Result<FakeAnswer, NotSeen> {
        self.shared
            .wait_for("an answer to the tap", |world| {
                world.tap(tap)?.answer.clone()
            })
            .await
    }

    fn change_standing(&self, standing: Standing, old: &str, new: &str) {
        let now = self.shared.clock.now();
        self.shared.change(|world| {
            set_standing(world, self.id, standing);
            membership(world, self.id, self.id, old, new, now);
        });
    }
}

/// A group that the bot may be added to.
#[derive(Clone, Debug)]
pub struct FakeGroup {
    shared: Arc<Shared>,
    id: i64,
}

impl FakeGroup {
    pub(super) fn new(shared: Arc<Shared>, id: i64) -> Self {
        Self { shared, id }
    }

    /// The group's chat id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Somebody adds the bot.
    pub fn add_bot(&self, by: &FakeUser) {
        let now = self.shared.clock.now();
        self.shared.change(|world| {
            set_standing(world, self.id, Standing::Member);
            membership(world, self.id, by.id, "left", "member", now);
        });
    }

    /// Somebody throws the bot out.
    pub fn remove_bot(&self, by: &FakeUser) {
        let now = self.shared.clock.now();
        self.shared.change(|world| {
            set_standing(world, self.id, Standing::Kicked);
            membership(world, self.id, by.id, "member", "kicked", now);
        });
    }

    /// Whether the bot is in the group.
    pub fn has_bot(&self) -> bool {
        self.shared.peek(|world| standing(world, self.id)) == Some(Standing::Member)
    }

    /// Somebody writes into the group, and the bot reads it.
    pub fn send(&self, by: &FakeUser, text: &str) -> i64 {
        let now = self.shared.clock.now();
        self.shared
            .change(|world| write(world, self.id, by.id, text, now))
    }

    /// Somebody sends this data as a tap under a message in the group.
    pub fn tap_raw(&self, by: &FakeUser, message: i64, data: &str) -> String {
        let now = self.shared.clock.now();
        self.shared
            .change(|world| tap(world, self.id, by.id, Some(message), data, now))
    }

    /// Everything in the group's chat.
    pub fn chat(&self) -> Vec<FakeMessage> {
        self.shared.peek(|world| world.messages(self.id).to_vec())
    }
}

pub(super) fn add_person(world: &mut World, person: Person) {
    let id = person.id;
    world.people.insert(id, person);
    let chat = Chat {
        id,
        title: None,
        standing: Standing::Stranger,
        messages: Vec::new(),
        menu: Vec::new(),
    };
    world.chats.entry(id).or_insert(chat);
}

pub(super) fn add_group(world: &mut World, id: i64, title: &str) {
    let title = Some(title.to_owned());
    let chat = Chat {
        id,
        title,
        standing: Standing::Stranger,
        messages: Vec::new(),
        menu: Vec::new(),
    };
    world.chats.entry(id).or_insert(chat);
}

fn standing(world: &World, chat: i64) -> Option<Standing> {
    world.chats.get(&chat).map(|chat| chat.standing)
}

fn set_standing(world: &mut World, chat: i64, standing: Standing) {
    if let Some(chat) = world.chats.get_mut(&chat) {
        chat.standing = standing;
    }
}

fn write(world: &mut World, chat: i64, by: i64, text: &str, now: i64) -> i64 {
    let message = FakeMessage {
        id: world.new_message_id(),
        from_bot: false,
        html: text.to_owned(),
        text: text.to_owned(),
        entities: command_entity(text),
        keyboard: Vec::new(),
        silent: false,
        protected: false,
        preview_off: false,
        deleted: false,
        edits: 0,
        sent_at: now,
        edited_at: None,
    };
    let id = message.id;
    if let (Some(chat), Some(person)) = (world.chats.get(&chat), world.people.get(&by)) {
        let body = json::message(world, chat, &message, Some(person));
        world.updates.push("message", body, now);
    }
    if let Some(chat) = world.chats.get_mut(&chat) {
        chat.messages.push(message);
    }
    id
}

fn command_entity(text: &str) -> Vec<Entity> {
    if !text.starts_with('/') {
        return Vec::new();
    }
    let length = text
        .split_whitespace()
        .next()
        .map_or(0, |word| word.encode_utf16().count());
    vec![Entity {
        kind: "bot_command",
        offset: 0,
        length,
    }]
}

fn tap(
    world: &mut World,
    chat: i64,
    by: i64,
    message: Option<i64>,
    data: &str,
    now: i64,
) -> String {
    let id = (4_000_000_000_000_000_000_u64 + world.taps.len() as u64).to_string();
    let mut query = json!({
        "id": id,
        "from": world.people.get(&by).map(json::person),
        "chat_instance": chat.to_string(),
        "data": data,
    });
    let place = match message {
        Some(message) => ("message", tapped(world, chat, message)),
        None => ("inline_message_id", json!(format!("inline-{id}"))),
    };
    if let Some(map) = query.as_object_mut() {
        map.insert(place.0.into(), place.1);
    }
    world.updates.push("callback_query", query, now);
    let message = message.unwrap_or_default();
    world.taps.push(FakeTap {
        id: id.clone(),
        user: by,
        chat,
        message,
        data: data.to_owned(),
        at: now,
        answer: None,
    });
    id
}

fn tapped(world: &World, chat: i64, id: i64) -> Value {
    let Some(of) = world.chats.get(&chat) else {
        return Value::Null;
    };
    match world.message(chat, id) {
        Some(message) => json::message(world, of, message, None),
        None => json::inaccessible(world, of, id),
    }
}

fn membership(world: &mut World, chat: i64, by: i64, old: &str, new: &str, now: i64) {
    let (Some(of), Some(person)) = (world.chats.get(&chat), world.people.get(&by)) else {
        return;
    };
    let member = |status: &str| {
        let mut member = json!({ "user": json::bot_user(world), "status": status });
        if let (true, Some(map)) = (status == "kicked", member.as_object_mut()) {
            map.insert("until_date".into(), json!(0));
        }
        member
    };
    let body = json!({
        "chat": json::chat(world, of),
        "from": json::person(person),
        "date": now / 1000,
        "old_chat_member": member(old),
        "new_chat_member": member(new),
    });
    world.updates.push("my_chat_member", body, now);
}
