//! Calls to the Bot API, with teloxide's payloads, and with what teloxide's own transport does not give: the error's
//! code, a deadline for each call, no pause of ten seconds after a 5xx, and no result lost to a field that is new.
//!
//! The token is part of every address, so no address and no error of the HTTP client is ever logged.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use mikro2fa_core::secret::Secret;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use teloxide::{
    Bot,
    payloads::{
        AnswerCallbackQuery, DeleteMessage, DeleteWebhook, EditMessageText, GetMe, GetUpdates,
        LeaveChat, SendMessage, SetMyCommands,
    },
    requests::Payload,
    types::{
        AllowedUpdate, BotCommand, BotCommandScope, CallbackQueryId, ChatId, InlineKeyboardMarkup,
        LinkPreviewOptions, MessageId, ParseMode, Recipient, ReplyMarkup, Update,
    },
};

use crate::{error::Error, text::Html, trouble::Trouble};

/// How long a call may take, other than a poll.
const DEADLINE: Duration = Duration::from_secs(15);
/// How long a poll waits at the server, the longest that it allows, and how much longer for the answer.
const POLL: u32 = 50;
const POLL_DEADLINE: Duration = Duration::from_secs(POLL as u64 + 10);
/// Longest answer read. A full batch of updates is a small part of it.
const ANSWER_LENGTH: usize = 8 * 1024 * 1024;

/// What is to stand in a chat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outgoing {
    pub(crate) html: Html,
    pub(crate) markup: Option<ReplyMarkup>,
    pub(crate) silent: bool,
    pub(crate) protect: bool,
}

impl Outgoing {
    pub(crate) fn new(html: Html) -> Self {
        Self {
            html,
            ..Self::default()
        }
    }

    pub(crate) fn silent(self) -> Self {
        Self {
            silent: true,
            ..self
        }
    }

    pub(crate) fn markup(self, markup: impl Into<ReplyMarkup>) -> Self {
        Self {
            markup: Some(markup.into()),
            ..self
        }
    }

    fn inline(&self) -> Option<InlineKeyboardMarkup> {
        match &self.markup {
            Some(ReplyMarkup::InlineKeyboard(markup)) => Some(markup.clone()),
            _ => None,
        }
    }
}

/// The Bot API. Names of methods are those of its documentation.
pub(crate) struct Api {
    bot: Bot,
    base: String,
    done: AtomicU64,
}

/// teloxide's own shows the token.
impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    ok: bool,
    result: Option<T>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

/// All that is needed of a sent message: nothing new in the rest can hide that it was sent.
#[derive(Deserialize)]
struct Sent {
    message_id: i64,
}

/// All that is needed of the bot itself.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Myself {
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) can_join_groups: bool,
}

impl Api {
    pub(crate) fn new(token: &Secret, url: &str) -> Result<Self, Error> {
        let token = token.expose();
        let well_formed = token.split_once(':').is_some_and(|(id, secret)| {
            !id.is_empty()
                && id.bytes().all(|b| b.is_ascii_digit())
                && secret.len() >= 16
                && secret
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
        if !well_formed {
            return Err(Error::MalformedToken);
        }
        let trimmed = url.trim_end_matches('/');
        let parsed = trimmed
            .parse()
            .map_err(|_| Error::MalformedApiUrl(url.to_owned()))?;
        if !(trimmed.starts_with("https://") || trimmed.starts_with("http://")) {
            return Err(Error::MalformedApiUrl(url.to_owned()));
        }
        let bot = Bot::new(token).set_api_url(parsed);
        Ok(Self {
            bot,
            base: trimmed.to_owned(),
            done: AtomicU64::new(0),
        })
    }

    /// Grows with every call that was answered: between two equal numbers nothing is known of the server.
    pub(crate) fn answered(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) async fn get_me(&self) -> Result<Myself, Trouble> {
        self.call(&GetMe::new(), DEADLINE).await
    }

    pub(crate) async fn delete_webhook(&self) -> Result<(), Trouble> {
        self.call::<_, bool>(&DeleteWebhook::new(), DEADLINE)
            .await
            .map(drop)
    }

    /// Waits for updates; `wait` = no, only looks.
    pub(crate) async fn get_updates(
        &self,
        offset: Option<i64>,
        wait: bool,
    ) -> Result<Vec<Update>, Trouble> {
        let mut payload = GetUpdates::new();
        payload.offset = offset.and_then(|offset| i32::try_from(offset).ok());
        payload.timeout = Some(if wait { POLL } else { 0 });
        payload.allowed_updates = Some(vec![
            AllowedUpdate::Message,
            AllowedUpdate::CallbackQuery,
            AllowedUpdate::MyChatMember,
        ]);
        self.call(&payload, POLL_DEADLINE).await
    }

    /// Says the new message's id. A text that the server cannot parse is sent once more without markup.
    pub(crate) async fn send(&self, chat: i64, message: &Outgoing) -> Result<i64, Trouble> {
        let payload = |html: bool| {
            let mut payload = SendMessage::new(ChatId(chat), text(message, html));
            payload.parse_mode = html.then_some(ParseMode::Html);
            payload.link_preview_options = Some(no_preview());
            payload.disable_notification = Some(message.silent);
            payload.protect_content = Some(message.protect);
            payload.reply_markup.clone_from(&message.markup);
            payload
        };
        let sent: Result<Sent, Trouble> = match self.call(&payload(true), DEADLINE).await {
            Err(Trouble::Unparsable(why)) => {
                tracing::error!(%why, "a text has broken markup and was sent without");
                self.call(&payload(false), DEADLINE).await
            }
            other => other,
        };
        sent.map(|sent| sent.message_id)
    }

    /// Changes a message; that it stands so already is no error.
    pub(crate) async fn edit(&self, chat: i64, id: i64, message: &Outgoing) -> Result<(), Trouble> {
        let payload = |html: bool| {
            let mut payload = EditMessageText::new(
                Recipient::Id(ChatId(chat)),
                message_id(id),
                text(message, html),
            );
            payload.parse_mode = html.then_some(ParseMode::Html);
            payload.link_preview_options = Some(no_preview());
            payload.reply_markup = message.inline();
            payload
        };
        let edited = match self
            .call::<_, serde::de::IgnoredAny>(&payload(true), DEADLINE)
            .await
        {
            Err(Trouble::Unparsable(why)) => {
                tracing::error!(%why, "a text has broken markup and was sent without");
                self.call::<_, serde::de::IgnoredAny>(&payload(false), DEADLINE)
                    .await
            }
            other => other,
        };
        match edited {
            Ok(_) | Err(Trouble::NotModified) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Deletes a message; that it is gone already is no error.
    pub(crate) async fn delete(&self, chat: i64, id: i64) -> Result<(), Trouble> {
        let payload = DeleteMessage::new(ChatId(chat), message_id(id));
        match self.call::<_, bool>(&payload, DEADLINE).await {
            Ok(_) | Err(Trouble::DeleteGone) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Stops a button from spinning, with words or without; `popup` = to be closed by hand.
    pub(crate) async fn answer(
        &self,
        query: &CallbackQueryId,
        words: &str,
        popup: bool,
    ) -> Result<(), Trouble> {
        let mut payload = AnswerCallbackQuery::new(query.clone());
        if !words.is_empty() {
            payload.text = Some(words.to_owned());
            payload.show_alert = Some(popup);
        }
        self.call::<_, bool>(&payload, DEADLINE).await.map(drop)
    }

    pub(crate) async fn set_commands(
        &self,
        scope: BotCommandScope,
        language: Option<&str>,
        commands: Vec<BotCommand>,
    ) -> Result<(), Trouble> {
        let mut payload = SetMyCommands::new(commands);
        payload.scope = Some(scope);
        payload.language_code = language.map(str::to_owned);
        self.call::<_, bool>(&payload, DEADLINE).await.map(drop)
    }

    pub(crate) async fn leave(&self, chat: i64) -> Result<(), Trouble> {
        self.call::<_, bool>(&LeaveChat::new(ChatId(chat)), DEADLINE)
            .await
            .map(drop)
    }

    async fn call<P: Payload + Serialize, T: DeserializeOwned>(
        &self,
        payload: &P,
        deadline: Duration,
    ) -> Result<T, Trouble> {
        let url = format!("{}/bot{}/{}", self.base, self.bot.token(), P::NAME);
        let response = self
            .bot
            .client()
            .post(url)
            .timeout(deadline)
            .json(payload)
            .send()
            .await;
        let mut response = response.map_err(|error| {
            if error.is_connect() {
                Trouble::Unreachable("no connection to the Bot API".into())
            } else {
                Trouble::Unknown("no answer from the Bot API".into())
            }
        })?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|_| Trouble::Unknown("half an answer".into()))?
        {
            if body.len() + chunk.len() > ANSWER_LENGTH {
                return Err(Trouble::Unknown("an answer that is too long".into()));
            }
            body.extend_from_slice(&chunk);
        }
        let result = read(status, &body);
        if !matches!(result, Err(Trouble::Unknown(_))) {
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Trouble> {
    let Ok(answer) = serde_json::from_slice::<Answer<T>>(body) else {
        return Err(Trouble::Unknown(
            format!("status {status} with something that cannot be read").into(),
        ));
    };
    match answer.result {
        Some(result) if answer.ok => Ok(result),
        _ => {
            let retry_after = answer
                .parameters
                .and_then(|parameters| parameters.retry_after);
            let words = answer.description.unwrap_or_default();
            Err(Trouble::of(
                answer.error_code.unwrap_or(status),
                &words,
                retry_after,
            ))
        }
    }
}

fn text(message: &Outgoing, html: bool) -> String {
    if html {
        message.html.as_str().to_owned()
    } else {
        message.html.plain()
    }
}

fn message_id(id: i64) -> MessageId {
    MessageId(i32::try_from(id).unwrap_or_default())
}

const fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(token: &str, url: &str) -> Result<Api, Error> {
        Api::new(&Secret::new(token), url)
    }

    #[test]
    fn a_token_and_an_address_are_checked_before_they_are_used() {
        let token = "4200000000:AAFakeFakeFakeFakeFakeFakeFakeFakeFa";
        assert!(new(token, "https://api.telegram.org").is_ok());
        for bad in [
            "",
            "x",
            "1:",
            ":AAFakeFakeFakeFakeFake",
            "1:AA/../../getMe?aaaaaaaa",
            "1x:AAFakeFakeFakeFakeFake",
        ] {
            assert_eq!(
                new(bad, "https://api.telegram.org").unwrap_err(),
                Error::MalformedToken,
                "{bad}"
            );
        }
        for bad in ["", "api.telegram.org", "ftp://example.com"] {
            assert_eq!(
                new(token, bad).unwrap_err(),
                Error::MalformedApiUrl(bad.to_owned())
            );
        }
    }

    #[test]
    fn an_answer_that_cannot_be_read_means_that_nothing_is_known() {
        let unknown = |status, body: &str| {
            matches!(
                read::<Sent>(status, body.as_bytes()),
                Err(Trouble::Unknown(_))
            )
        };
        assert!(unknown(502, "<html>"));
        assert!(unknown(200, ""));
        assert!(unknown(200, r#"{"ok":true,"result":[]}"#));
        assert!(unknown(
            500,
            r#"{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}"#
        ));
        let sent = read::<Sent>(
            200,
            br#"{"ok":true,"result":{"message_id":7,"new":{"field":[1]}}}"#,
        )
        .unwrap();
        assert_eq!(sent.message_id, 7);
    }
}
