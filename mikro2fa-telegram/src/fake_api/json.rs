//! The server's objects as JSON.

use serde_json::{Map, Value, json};

use super::world::{Chat, FakeMessage, Person, World};
use crate::markup::Entity;

pub(super) fn bot_user(world: &World) -> Value {
    json!({ "id": world.bot_id, "is_bot": true, "first_name": "mikro2fa", "username": world.bot_username })
}

pub(super) fn person(person: &Person) -> Value {
    let mut map = Map::new();
    map.insert("id".into(), json!(person.id));
    map.insert("is_bot".into(), json!(false));
    map.insert("first_name".into(), json!(person.first_name));
    for (name, value) in [
        ("username", &person.username),
        ("language_code", &person.language_code),
    ] {
        if let Some(value) = value {
            map.insert(name.into(), json!(value));
        }
    }
    Value::Object(map)
}

pub(super) fn chat(world: &World, chat: &Chat) -> Value {
    if let Some(title) = &chat.title {
        return json!({ "id": chat.id, "type": "supergroup", "title": title });
    }
    let mut map = Map::new();
    map.insert("id".into(), json!(chat.id));
    map.insert("type".into(), json!("private"));
    if let Some(person) = world.people.get(&chat.id) {
        map.insert("first_name".into(), json!(person.first_name));
        if let Some(username) = &person.username {
            map.insert("username".into(), json!(username));
        }
    }
    Value::Object(map)
}

pub(super) fn full_chat(world: &World, of: &Chat) -> Value {
    let mut full = chat(world, of);
    if let Some(map) = full.as_object_mut() {
        let gifts = json!({
            "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
        });
        map.insert("accepted_gift_types".into(), gifts);
        map.insert("accent_color_id".into(), json!(0));
        map.insert("max_reaction_count".into(), json!(11));
    }
    full
}

/// `from` is who wrote it, for messages that are not the bot's.
pub(super) fn message(
    world: &World,
    of: &Chat,
    message: &FakeMessage,
    from: Option<&Person>,
) -> Value {
    let mut map = Map::new();
    map.insert("message_id".into(), json!(message.id));
    map.insert("from".into(), from.map_or_else(|| bot_user(world), person));
    map.insert("chat".into(), chat(world, of));
    map.insert("date".into(), json!(message.sent_at / 1000));
    if let Some(at) = message.edited_at {
        map.insert("edit_date".into(), json!(at / 1000));
    }
    map.insert("text".into(), json!(message.text));
    if !message.entities.is_empty() {
        map.insert("entities".into(), entities(&message.entities));
    }
    if message.protected {
        map.insert("has_protected_content".into(), json!(true));
    }
    if !message.keyboard.is_empty() {
        map.insert("reply_markup".into(), keyboard(message));
    }
    Value::Object(map)
}

/// A message that the bot can't see any more.
pub(super) fn inaccessible(world: &World, of: &Chat, id: i64) -> Value {
    json!({ "message_id": id, "chat": chat(world, of), "date": 0 })
}

fn entities(entities: &[Entity]) -> Value {
    entities
        .iter()
        .map(|e| json!({ "type": e.kind, "offset": e.offset, "length": e.length }))
        .collect()
}

fn keyboard(message: &FakeMessage) -> Value {
    let rows: Vec<Value> = message
        .keyboard
        .iter()
        .map(|row| {
            row.iter()
                .map(|b| json!({ "text": b.label, "callback_data": b.data }))
                .collect()
        })
        .collect();
    json!({ "inline_keyboard": rows })
}
