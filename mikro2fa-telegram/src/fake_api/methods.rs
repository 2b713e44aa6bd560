//! The methods of the Bot API, as far as the fake server has them. Pure: the world before, a call, the world after.

use serde_json::{Value, json};

use super::{
    json,
    params::Params,
    refusal::Refusal,
    world::{Ended, FakeAnswer, FakeWebhook, World},
};

mod commands;
mod messages;

pub(super) use commands::{DEFAULT_SCOPE, chat_scope};

/// How long a tap may be answered: "query is too old" comes after about a minute (public reports).
const QUERY_LIFE_MS: i64 = 60_000;
/// Longest answer to a tap, in characters (Bot API, answerCallbackQuery).
const ANSWER_LENGTH: usize = 200;

/// Every method there is, in the documentation's spelling.
pub(super) const METHODS: [&str; 15] = [
    "getMe",
    "getUpdates",
    "sendMessage",
    "editMessageText",
    "editMessageReplyMarkup",
    "deleteMessage",
    "answerCallbackQuery",
    "setMyCommands",
    "deleteMyCommands",
    "getMyCommands",
    "getWebhookInfo",
    "deleteWebhook",
    "setWebhook",
    "getChat",
    "leaveChat",
];

/// The method's spelling in the documentation; callers may write it in any case.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    METHODS
        .into_iter()
        .find(|method| method.eq_ignore_ascii_case(name))
}

/// Does one call other than `getUpdates`.
pub(super) fn perform(
    world: &mut World,
    now: i64,
    method: &str,
    params: &Params,
) -> Result<Value, Refusal> {
    match method {
        "getMe" => Ok(me(world)),
        "sendMessage" => messages::send(world, now, params),
        "editMessageText" => messages::edit_text(world, now, params),
        "editMessageReplyMarkup" => messages::edit_keyboard(world, now, params),
        "deleteMessage" => messages::delete(world, now, params),
        "answerCallbackQuery" => answer_callback_query(world, now, params),
        "setMyCommands" => commands::set(world, params),
        "deleteMyCommands" => commands::delete(world, params),
        "getMyCommands" => commands::list(world, params),
        "getWebhookInfo" => Ok(webhook_info(world)),
        "deleteWebhook" => Ok(delete_webhook(world, params)),
        "setWebhook" => set_webhook(world, params),
        "getChat" => messages::chat(world, params).map(|chat| json::full_chat(world, chat)),
        "leaveChat" => messages::leave(world, params),
        _ => Err(Refusal::method_not_found()),
    }
}

fn me(world: &World) -> Value {
    let mut me = json::bot_user(world);
    if let Some(map) = me.as_object_mut() {
        map.insert("can_join_groups".into(), json!(world.can_join_groups));
        for no in [
            "can_read_all_group_messages",
            "supports_inline_queries",
            "can_connect_to_business",
            "has_main_web_app",
        ] {
            map.insert(no.into(), json!(false));
        }
    }
    me
}

/// A second answer is taken and changes nothing; the reader has seen the first.
fn answer_callback_query(world: &mut World, now: i64, params: &Params) -> Result<Value, Refusal> {
    let text = params.text("text").unwrap_or_default();
    if text.chars().count() > ANSWER_LENGTH {
        return Err(Refusal::message_too_long_edit());
    }
    let id = params.text("callback_query_id").unwrap_or_default();
    let tap = world
        .taps
        .iter_mut()
        .rev()
        .find(|tap| tap.id == id)
        .ok_or_else(Refusal::query_too_old)?;
    if now.saturating_sub(tap.at) > QUERY_LIFE_MS {
        return Err(Refusal::query_too_old());
    }
    let popup = params.flag("show_alert");
    tap.answer.get_or_insert_with(|| FakeAnswer {
        text: text.to_owned(),
        popup,
        at: now,
    });
    Ok(Value::Bool(true))
}

fn webhook_info(world: &World) -> Value {
    let mut info = json!({
        "url": world.webhook.as_ref().map_or("", |webhook| &webhook.url),
        "has_custom_certificate": false,
        "pending_update_count": world.updates.len(),
    });
    if let (Some(webhook), Some(map)) = (&world.webhook, info.as_object_mut()) {
        map.insert("max_connections".into(), json!(webhook.max_connections));
    }
    info
}

fn delete_webhook(world: &mut World, params: &Params) -> Value {
    if params.flag("drop_pending_updates") {
        world.updates.clear();
    }
    world.webhook = None;
    Value::Bool(true)
}

fn set_webhook(world: &mut World, params: &Params) -> Result<Value, Refusal> {
    let url = params.text("url").unwrap_or_default();
    if url.is_empty() {
        return Ok(delete_webhook(world, params));
    }
    check_webhook_url(url)?;
    let secret_token = params
        .text("secret_token")
        .filter(|token| !token.is_empty());
    if let Some(token) = secret_token {
        if token.len() > 256 {
            return Err(Refusal::other("secret token is too long"));
        }
        if !token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        {
            return Err(Refusal::other("secret token contains unallowed characters"));
        }
    }
    if params.flag("drop_pending_updates") {
        world.updates.clear();
    }
    world.webhook = Some(FakeWebhook {
        url: url.to_owned(),
        secret_token: secret_token.map(str::to_owned),
        max_connections: params.int("max_connections").unwrap_or(40),
    });
    world.poll.end(Ended::Webhook);
    Ok(Value::Bool(true))
}

fn check_webhook_url(url: &str) -> Result<(), Refusal> {
    let invalid = || Refusal::other("invalid webhook URL specified");
    let rest = url.strip_prefix("https://").ok_or_else(invalid)?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "443"));
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(invalid());
    }
    match port.parse::<u16>().map_err(|_| invalid())? {
        80 | 88 | 443 | 8443 => Ok(()),
        _ => Err(Refusal::other(
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        )),
    }
}
