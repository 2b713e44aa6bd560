//! `setMyCommands` and its kin.

use serde_json::{Value, json};

use super::messages;
use crate::fake_api::{params::Params, refusal::Refusal, world::World};

/// The scope that is meant when none is given.
pub(in crate::fake_api) const DEFAULT_SCOPE: &str = "default";

/// The name under which the commands of one chat are kept.
pub(in crate::fake_api) fn chat_scope(chat: i64) -> String {
    format!("chat:{chat}")
}

pub(super) fn set(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let key = key(world, params)?;
    let list = params.json("commands").unwrap_or_default();
    let commands = list
        .as_array()
        .ok_or_else(|| Refusal::other("can't parse commands JSON object"))?
        .iter()
        .map(command)
        .collect::<Result<Vec<_>, _>>()?;
    if commands.is_empty() {
        world.commands.remove(&key);
    } else {
        world.commands.insert(key, commands);
    }
    Ok(Value::Bool(true))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let key = key(world, params)?;
    world.commands.remove(&key);
    Ok(Value::Bool(true))
}

pub(super) fn list(world: &World, params: &Params) -> Result<Value, Refusal> {
    let commands = world
        .commands
        .get(&key(world, params)?)
        .cloned()
        .unwrap_or_default();
    Ok(commands
        .iter()
        .map(|(name, words)| json!({ "command": name, "description": words }))
        .collect())
}

fn command(value: &Value) -> Result<(String, String), Refusal> {
    let field = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let (name, words) = (
        field("command").trim_start_matches('/').to_owned(),
        field("description"),
    );
    if name.chars().count() > 32 {
        return Err(Refusal::other("command length must not exceed 32"));
    }
    if words.chars().count() > 256 {
        return Err(Refusal::other(
            "command description length must not exceed 256",
        ));
    }
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if name.is_empty() || words.is_empty() || !name.bytes().all(valid) {
        return Err(Refusal::other("BOT_COMMAND_INVALID"));
    }
    Ok((name, words))
}

fn key(world: &World, params: &Params) -> Result<(String, String), Refusal> {
    let language = params.text("language_code").unwrap_or_default().to_owned();
    let Some(scope) = params.json("scope") else {
        return Ok((DEFAULT_SCOPE.to_owned(), language));
    };
    let name = match scope
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or(DEFAULT_SCOPE)
    {
        "chat" => {
            let chat = crate::fake_api::world::chat_of(&scope).ok_or_else(Refusal::no_chat_id)?;
            messages::known_chat(world, chat)?;
            chat_scope(chat)
        }
        other => other.to_owned(),
    };
    Ok((name, language))
}
