//! Sending, editing, deleting.

use serde_json::{Value, json};

use crate::{
    fake_api::{
        json,
        params::Params,
        refusal::Refusal,
        world::{Chat, FakeButton, FakeMessage, Standing, World, chat_of},
    },
    markup::{self, Entity},
};

/// Longest text after parsing, in characters (Bot API, sendMessage).
const TEXT_LENGTH: usize = 4096;
/// Longest text before parsing, in bytes (`Client.cpp`).
const SOURCE_LENGTH: usize = 32_768;
/// Longest `callback_data`, in bytes (Bot API, InlineKeyboardButton).
const DATA_LENGTH: usize = 64;
/// Most buttons in a keyboard; the real limit is one of size, and not documented.
const BUTTONS: usize = 100;
/// How long a bot may delete a message (Bot API, deleteMessage).
const DELETE_MS: i64 = 48 * 3600 * 1000;

pub(super) fn send(world: &mut World, now: i64, params: &Params) -> Result<Value, Refusal> {
    let content = Content::new(params, Refusal::message_too_long)?;
    let markup = ReplyMarkup::new(params)?;
    let id = writable(world, params)?;
    within_limits(world, id, now)?;
    let message = FakeMessage {
        id: world.new_message_id(),
        from_bot: true,
        html: content.source,
        text: content.text,
        entities: content.entities,
        keyboard: match &markup {
            ReplyMarkup::Inline(rows) => rows.clone(),
            _ => Vec::new(),
        },
        silent: params.flag("disable_notification"),
        protected: params.flag("protect_content"),
        preview_off: preview_off(params),
        deleted: false,
        edits: 0,
        sent_at: now,
        edited_at: None,
    };
    if let Some(chat) = world.chats.get_mut(&id) {
        match markup {
            ReplyMarkup::Menu(rows) => chat.menu = rows,
            ReplyMarkup::Remove => chat.menu = Vec::new(),
            ReplyMarkup::None | ReplyMarkup::Inline(_) => {}
        }
        chat.messages.push(message.clone());
    }
    Ok(rendered(world, id, &message))
}

pub(super) fn edit_text(world: &mut World, now: i64, params: &Params) -> Result<Value, Refusal> {
    let content = Content::new(params, Refusal::message_too_long_edit)?;
    let keyboard = ReplyMarkup::new(params)?.into_inline();
    edit(world, now, params, |message| {
        let same = message.text == content.text
            && message.entities == content.entities
            && message.keyboard == keyboard;
        message.html = content.source;
        message.text = content.text;
        message.entities = content.entities;
        message.keyboard = keyboard;
        message.preview_off = preview_off(params);
        same
    })
}

pub(super) fn edit_keyboard(
    world: &mut World,
    now: i64,
    params: &Params,
) -> Result<Value, Refusal> {
    let keyboard = ReplyMarkup::new(params)?.into_inline();
    edit(world, now, params, |message| {
        let same = message.keyboard == keyboard;
        message.keyboard = keyboard;
        same
    })
}

/// Edits one message of the bot's; `change` says whether it changed nothing.
fn edit(
    world: &mut World,
    now: i64,
    params: &Params,
    change: impl FnOnce(&mut FakeMessage) -> bool,
) -> Result<Value, Refusal> {
    let message_id = message_id(params)?;
    let id = writable(world, params)?;
    let found = world
        .chats
        .get_mut(&id)
        .and_then(|chat| chat.find(message_id))
        .filter(|message| !message.deleted);
    let Some(message) = found else {
        return Err(Refusal::edit_not_found());
    };
    if !message.from_bot {
        return Err(Refusal::cannot_be_edited());
    }
    within_limits(world, id, now)?;
    let Some(message) = world
        .chats
        .get_mut(&id)
        .and_then(|chat| chat.find(message_id))
    else {
        return Err(Refusal::edit_not_found());
    };
    if change(message) {
        return Err(Refusal::not_modified());
    }
    message.edits += 1;
    message.edited_at = Some(now);
    let message = message.clone();
    Ok(rendered(world, id, &message))
}

pub(super) fn delete(world: &mut World, now: i64, params: &Params) -> Result<Value, Refusal> {
    let message_id = message_id(params)?;
    let id = writable(world, params)?;
    let chat = world
        .chats
        .get_mut(&id)
        .ok_or_else(Refusal::chat_not_found)?;
    let private = chat.title.is_none();
    let message = chat
        .find(message_id)
        .filter(|message| !message.deleted)
        .ok_or_else(Refusal::delete_not_found)?;
    let deletable = message.from_bot || private;
    if !deletable || now.saturating_sub(message.sent_at) > DELETE_MS {
        return Err(Refusal::cannot_be_deleted());
    }
    message.deleted = true;
    Ok(Value::Bool(true))
}

pub(super) fn leave(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let id = writable(world, params)?;
    let chat = world
        .chats
        .get_mut(&id)
        .ok_or_else(Refusal::chat_not_found)?;
    if chat.title.is_none() {
        return Err(Refusal::other(
            "chat member status can't be changed in private chats",
        ));
    }
    chat.standing = Standing::Kicked;
    Ok(Value::Bool(true))
}

/// The chat a call names, if the bot may know it.
pub(super) fn chat<'a>(world: &'a World, params: &Params) -> Result<&'a Chat, Refusal> {
    known_chat(world, chat_id(params)?)
}

pub(super) fn known_chat(world: &World, id: i64) -> Result<&Chat, Refusal> {
    world
        .chats
        .get(&id)
        .filter(|chat| chat.standing != Standing::Stranger)
        .ok_or_else(Refusal::chat_not_found)
}

fn chat_id(params: &Params) -> Result<i64, Refusal> {
    if !params.has("chat_id") {
        return Err(Refusal::no_chat_id());
    }
    chat_of(&params.clone().into_value()).ok_or_else(Refusal::chat_not_found)
}

fn message_id(params: &Params) -> Result<i64, Refusal> {
    params
        .int("message_id")
        .filter(|id| *id != 0)
        .ok_or_else(Refusal::no_message_id)
}

/// The id of the chat a call names, if the bot may write there.
fn writable(world: &World, params: &Params) -> Result<i64, Refusal> {
    let chat = chat(world, params)?;
    match chat.standing {
        Standing::Member => Ok(chat.id),
        Standing::Stranger => Err(Refusal::chat_not_found()),
        Standing::Blocked => Err(Refusal::blocked()),
        Standing::Deactivated => Err(Refusal::deactivated()),
        Standing::Kicked => Err(Refusal::kicked()),
    }
}

fn within_limits(world: &mut World, chat: i64, now: i64) -> Result<(), Refusal> {
    match world.limits {
        Some(limits) => world
            .rates
            .take(limits, chat, now)
            .map_err(Refusal::too_many_requests),
        None => Ok(()),
    }
}

fn rendered(world: &World, chat: i64, message: &FakeMessage) -> Value {
    world.chats.get(&chat).map_or(Value::Null, |chat| {
        json::message(world, chat, message, None)
    })
}

fn preview_off(params: &Params) -> bool {
    let options = params.json("link_preview_options").unwrap_or_default();
    params.flag("disable_web_page_preview") || options.get("is_disabled") == Some(&json!(true))
}

/// A text as sent and as read.
struct Content {
    source: String,
    text: String,
    entities: Vec<Entity>,
}

impl Content {
    fn new(params: &Params, too_long: fn() -> Refusal) -> Result<Self, Refusal> {
        let source = params.text("text").unwrap_or_default().to_owned();
        if source.len() > SOURCE_LENGTH {
            return Err(Refusal::text_too_long());
        }
        let parsed = match params
            .text("parse_mode")
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "html" => markup::parse(&source).map_err(Refusal::cannot_parse_entities)?,
            "" => markup::Markup {
                plain: source.trim().to_owned(),
                entities: Vec::new(),
            },
            _ => return Err(Refusal::other("unsupported parse_mode")),
        };
        if parsed.plain.is_empty() {
            return Err(Refusal::text_empty());
        }
        if parsed.plain.chars().count() > TEXT_LENGTH {
            return Err(too_long());
        }
        Ok(Self {
            source,
            text: parsed.plain,
            entities: parsed.entities,
        })
    }
}

enum ReplyMarkup {
    None,
    Inline(Vec<Vec<FakeButton>>),
    Menu(Vec<Vec<String>>),
    Remove,
}

impl ReplyMarkup {
    fn new(params: &Params) -> Result<Self, Refusal> {
        let Some(markup) = params.json("reply_markup") else {
            return Ok(Self::None);
        };
        let rows = |name: &str| -> Option<Vec<Vec<Value>>> {
            let rows = markup.get(name)?.as_array()?;
            Some(
                rows.iter()
                    .map(|row| row.as_array().cloned().unwrap_or_default())
                    .collect(),
            )
        };
        if let Some(rows) = rows("inline_keyboard") {
            if rows.iter().map(Vec::len).sum::<usize>() > BUTTONS {
                return Err(Refusal::markup_too_long());
            }
            let rows: Result<Vec<Vec<_>>, _> = rows
                .iter()
                .filter(|row| !row.is_empty())
                .map(|row| row.iter().map(button).collect())
                .collect();
            return Ok(Self::Inline(rows?));
        }
        if let Some(rows) = rows("keyboard") {
            let label = |key: &Value| key.as_str().map_or_else(|| text_of(key), str::to_owned);
            return Ok(Self::Menu(
                rows.iter()
                    .map(|row| row.iter().map(label).collect())
                    .collect(),
            ));
        }
        let remove = markup.get("remove_keyboard") == Some(&json!(true));
        Ok(if remove { Self::Remove } else { Self::None })
    }

    fn into_inline(self) -> Vec<Vec<FakeButton>> {
        match self {
            Self::Inline(rows) => rows,
            Self::None | Self::Menu(_) | Self::Remove => Vec::new(),
        }
    }
}

fn text_of(value: &Value) -> String {
    value
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn button(value: &Value) -> Result<FakeButton, Refusal> {
    let data = value
        .get("callback_data")
        .and_then(Value::as_str)
        .ok_or_else(Refusal::text_button)?;
    if data.is_empty() || data.len() > DATA_LENGTH {
        return Err(Refusal::button_data_invalid());
    }
    Ok(FakeButton {
        label: text_of(value),
        data: data.to_owned(),
    })
}
