//! Everything the fake server says no with, in the real one's words.
//!
//! Sources: `telegram-bot-api/Client.cpp`, `Query.cpp`, `ClientManager.cpp` of `tdlib/telegram-bot-api` and `tdlib/td`;
//! the words in capitals are made by Telegram behind them, and known from public reports.

use std::time::Duration;

use serde_json::{Value, json};

/// A refusal: `{"ok":false,"error_code":…,"description":…}`, with the HTTP status of the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code and HTTP status.
    pub code: u16,
    /// What the server says.
    pub description: String,
    /// `parameters.retry_after` and the header `Retry-After`, for 429.
    pub retry_after: Option<u32>,
    /// How long the server takes to say it.
    pub delay: Duration,
}

impl Refusal {
    /// A refusal with these words.
    pub fn new(code: u16, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            retry_after: None,
            delay: Duration::ZERO,
        }
    }

    fn bad_request(words: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", words.as_ref()))
    }

    /// 429, with `seconds` to wait.
    pub fn too_many_requests(seconds: u32) -> Self {
        let words = format!("Too Many Requests: retry after {seconds}");
        Self {
            retry_after: Some(seconds),
            ..Self::new(429, words)
        }
    }

    /// 429 of the server's own flood control: said after 3 s, 60 s to wait.
    pub fn flood() -> Self {
        Self {
            delay: Duration::from_secs(3),
            ..Self::too_many_requests(60)
        }
    }

    /// The person has blocked the bot.
    pub fn blocked() -> Self {
        Self::new(403, "Forbidden: bot was blocked by the user")
    }

    /// The person's Telegram account was deleted.
    pub fn deactivated() -> Self {
        Self::new(403, "Forbidden: user is deactivated")
    }

    /// The person never pressed Start; an old form of `chat not found`.
    pub fn cannot_initiate() -> Self {
        Self::new(
            403,
            "Forbidden: bot can't initiate conversation with a user",
        )
    }

    /// The bot was thrown out of the group.
    pub fn kicked() -> Self {
        Self::new(403, "Forbidden: bot was kicked from the group chat")
    }

    /// The token was revoked.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized")
    }

    /// The token has not even the form of one.
    pub fn malformed_token() -> Self {
        Self::new(401, "Unauthorized: invalid token specified")
    }

    /// A path that is no bot's.
    pub fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// A method that does not exist.
    pub fn method_not_found() -> Self {
        Self::new(404, "Not Found: method not found")
    }

    /// A newer poll took this one's place.
    pub fn other_poller() -> Self {
        Self::new(
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        )
    }

    /// A webhook was set while this poll waited.
    pub fn webhook_was_set() -> Self {
        Self::new(409, "Conflict: terminated by setWebhook request")
    }

    /// Polling while a webhook is set.
    pub fn webhook_active() -> Self {
        Self::new(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        )
    }

    /// The server is going down.
    pub fn restarting() -> Self {
        Self::new(500, "Internal Server Error: restart")
    }

    /// An edit that changes nothing.
    pub fn not_modified() -> Self {
        Self::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a \
             current content and reply markup of the message",
        )
    }

    /// The message to edit is not there.
    pub fn edit_not_found() -> Self {
        Self::bad_request("message to edit not found")
    }

    /// The message is not the bot's.
    pub fn cannot_be_edited() -> Self {
        Self::bad_request("message can't be edited")
    }

    /// The message has no text.
    pub fn no_text_to_edit() -> Self {
        Self::bad_request("there is no text in the message to edit")
    }

    /// A rare form of the above.
    pub fn message_id_invalid() -> Self {
        Self::bad_request("MESSAGE_ID_INVALID")
    }

    /// The message to delete is not there.
    pub fn delete_not_found() -> Self {
        Self::bad_request("message to delete not found")
    }

    /// Older than 48 h, or not deletable.
    pub fn cannot_be_deleted() -> Self {
        Self::bad_request("message can't be deleted")
    }

    /// No `message_id`.
    pub fn no_message_id() -> Self {
        Self::bad_request("message identifier is not specified")
    }

    /// A tap answered too late, or never made.
    pub fn query_too_old() -> Self {
        Self::bad_request("query is too old and response timeout expired or query ID is invalid")
    }

    /// Never started, or a wrong id.
    pub fn chat_not_found() -> Self {
        Self::bad_request("chat not found")
    }

    /// No `chat_id`.
    pub fn no_chat_id() -> Self {
        Self::bad_request("chat_id is empty")
    }

    /// Nothing left to show.
    pub fn text_empty() -> Self {
        Self::bad_request("message text is empty")
    }

    /// Over 4,096 characters, on a send.
    pub fn message_too_long() -> Self {
        Self::bad_request("message is too long")
    }

    /// Over 4,096 characters, on an edit and in a callback answer.
    pub fn message_too_long_edit() -> Self {
        Self::bad_request("MESSAGE_TOO_LONG")
    }

    /// Over 32,768 bytes of source.
    pub fn text_too_long() -> Self {
        Self::bad_request("text is too long")
    }

    /// Broken markup; `fault` in the server's words.
    pub fn cannot_parse_entities(fault: impl std::fmt::Display) -> Self {
        Self::bad_request(format!("can't parse entities: {fault}"))
    }

    /// `callback_data` of no or more than 64 bytes.
    pub fn button_data_invalid() -> Self {
        Self::bad_request("BUTTON_DATA_INVALID")
    }

    /// A button without data.
    pub fn text_button() -> Self {
        Self::bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        )
    }

    /// Too many buttons.
    pub fn markup_too_long() -> Self {
        Self::bad_request("reply markup is too long")
    }

    /// Anything else that is a 400.
    pub fn other(words: impl AsRef<str>) -> Self {
        Self::bad_request(words)
    }

    pub(super) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub(super) fn body(&self) -> Value {
        let mut body =
            json!({ "ok": false, "error_code": self.code, "description": self.description });
        if let (Some(seconds), Some(map)) = (self.retry_after, body.as_object_mut()) {
            map.insert("parameters".into(), json!({ "retry_after": seconds }));
        }
        body
    }
}
