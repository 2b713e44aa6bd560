//! Keyboards of the chat, and tokens of the API.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::ChatId,
    directory::{ApiToken, Digest, Keyboard, KeyboardId},
    store::StoreError,
    time::Timestamp,
};

use crate::{
    error::corrupt,
    rows::{audit::hex, count, from_json, id, json, millis, plain},
    schema::{api_tokens, keyboards},
};

/// A keyboard's id as it is written.
pub(crate) fn keyboard_id(id: KeyboardId) -> String {
    hex(&id.0)
}

fn bytes<const N: usize>(what: &str, text: &str) -> Result<[u8; N], StoreError> {
    let wrong = || corrupt(format_args!("{what}: `{text}` is no hexadecimal number"));
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(wrong());
    }
    for (n, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * n..2 * n + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = keyboards, treat_none_as_default_value = false)]
pub(crate) struct KeyboardRow {
    pub(crate) id: String,
    chat: i64,
    user_id: Option<String>,
    link_generation: i64,
    messages: String,
    presses: String,
    made_at: i64,
    replaces: bool,
    ends_at: i64,
    dead: bool,
}

impl KeyboardRow {
    pub(crate) fn new(keyboard: &Keyboard) -> Result<Self, StoreError> {
        Ok(Self {
            id: keyboard_id(keyboard.id),
            chat: keyboard.chat.0,
            user_id: keyboard.user.map(|user| user.to_string()),
            link_generation: keyboard.link_generation.into(),
            messages: json(&keyboard.messages)?,
            presses: json(&keyboard.presses)?,
            made_at: keyboard.made_at.millis(),
            replaces: keyboard.replaces,
            ends_at: keyboard.ends_at.millis(),
            dead: keyboard.dead,
        })
    }

    pub(crate) fn keyboard(self) -> Result<Keyboard, StoreError> {
        Ok(Keyboard {
            id: KeyboardId(bytes("a keyboard", &self.id)?),
            chat: ChatId(self.chat),
            user: self
                .user_id
                .map(|user| id("a keyboard's user", &user))
                .transpose()?,
            link_generation: count("a keyboard's link", self.link_generation)?,
            messages: from_json("a keyboard's messages", &self.messages)?,
            presses: from_json("a keyboard's buttons", &self.presses)?,
            made_at: Timestamp(self.made_at),
            replaces: self.replaces,
            ends_at: Timestamp(self.ends_at),
            dead: self.dead,
        })
    }
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = api_tokens, treat_none_as_default_value = false)]
pub(crate) struct TokenRow {
    pub(crate) digest: String,
    name: String,
    created_at: i64,
    pub(crate) until: Option<i64>,
}

impl TokenRow {
    pub(crate) fn new(token: &ApiToken) -> Result<Self, StoreError> {
        Ok(Self {
            digest: token.digest.hex(),
            name: plain(&token.name)?,
            created_at: token.created_at.millis(),
            until: millis(token.until),
        })
    }

    pub(crate) fn token(self) -> Result<ApiToken, StoreError> {
        Ok(ApiToken {
            digest: Digest(bytes("a token", &self.digest)?),
            name: self.name.into(),
            created_at: Timestamp(self.created_at),
            until: self.until.map(Timestamp),
        })
    }
}
