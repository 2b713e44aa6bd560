//! What comes back when a call does not work, and what it means. Pure.
//!
//! Errors are classed by code and by the beginning of the description, without regard to case: the words differ between
//! versions of the server, and teloxide's own variants compare them exactly (it has `query id is invalid` where the
//! server says `query ID is invalid`).

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{notifier::NotifierError, tunnel::Text};

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Too fast: not before this has gone by.
    SlowDown(Duration),
    /// The person cannot be written to: blocked, deleted, never started.
    Gone(Text),
    /// The edit changes nothing.
    NotModified,
    /// The message to edit is not there, or is none of ours.
    EditGone,
    /// The message to delete is not there.
    DeleteGone,
    /// The message to delete is too old.
    CannotDelete,
    /// The text's markup is broken: our own fault.
    Unparsable(Text),
    /// The tap cannot be answered any more.
    QueryTooOld,
    /// Another program polls, or a webhook is set.
    Conflict(Text),
    /// The token is not taken.
    Token,
    /// Refused for good, in the server's words.
    Refused(Text),
    /// No answer, or none that can be read: it may have been done.
    Unknown(Text),
    /// It was surely not done: the server could not be reached.
    Unreachable(Text),
}

impl Trouble {
    /// What an error answer of the Bot API means.
    pub(crate) fn of(code: u16, description: &str, retry_after: Option<u64>) -> Self {
        let words = description.to_lowercase();
        let told: Text = Arc::from(crate::text::clean(description, 200));
        // "Bad Request: ", "Forbidden: ", in old versions "Unauthorized: ".
        let rest = words
            .split_once(": ")
            .map_or(words.as_str(), |(_, rest)| rest);
        let begins = |heads: &[&str]| heads.iter().any(|head| rest.starts_with(head));
        if retry_after.is_some() || code == 429 {
            return Self::SlowDown(Duration::from_secs(
                retry_after.unwrap_or(1).clamp(1, 24 * 3600),
            ));
        }
        if code == 403 || begins(&GONE) {
            return Self::Gone(told);
        }
        match code {
            400 if begins(&["message is not modified"]) => Self::NotModified,
            400 if begins(&EDIT_GONE) => Self::EditGone,
            400 if begins(&["message to delete not found"]) => Self::DeleteGone,
            400 if begins(&["message can't be deleted"]) => Self::CannotDelete,
            400 if begins(&["can't parse entities"]) => Self::Unparsable(told),
            400 if begins(&["query is too old", "query id is invalid"]) => Self::QueryTooOld,
            401 | 404 => Self::Token,
            409 => Self::Conflict(told),
            500.. => Self::Unknown(told),
            _ => Self::Refused(told),
        }
    }

    /// As the outbox understands it.
    pub(crate) fn for_outbox(self) -> NotifierError {
        match self {
            Self::SlowDown(pause) => NotifierError::SlowDown(pause),
            Self::Gone(why) => NotifierError::Gone(why),
            Self::Unknown(_) => NotifierError::OutcomeUnknown,
            Self::Unreachable(why) => NotifierError::Unavailable(why),
            Self::EditGone | Self::DeleteGone => NotifierError::MessageGone,
            Self::Token => NotifierError::Unavailable("telegram refuses the bot token".into()),
            Self::Conflict(why) | Self::Unparsable(why) | Self::Refused(why) => {
                NotifierError::Refused(why)
            }
            Self::NotModified | Self::CannotDelete | Self::QueryTooOld => {
                NotifierError::Refused("unexpected answer of the Bot API".into())
            }
        }
    }
}

const GONE: [&str; 8] = [
    "bot was blocked by the user",
    "user is deactivated",
    "bot can't initiate conversation",
    "bot was kicked",
    "chat not found",
    "private chat not found",
    "peer_id_invalid",
    "user_is_blocked",
];
const EDIT_GONE: [&str; 4] = [
    "message to edit not found",
    "message_id_invalid",
    "message can't be edited",
    "there is no text in the message to edit",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_means_one_thing() {
        let gone = |words: &str| Trouble::Gone(words.into());
        for (code, words, trouble) in [
            (
                400,
                "Bad Request: message is not modified: specified new message content and …",
                Trouble::NotModified,
            ),
            (
                400,
                "Bad Request: message to edit not found",
                Trouble::EditGone,
            ),
            (400, "Bad Request: MESSAGE_ID_INVALID", Trouble::EditGone),
            (
                400,
                "Bad Request: message can't be edited",
                Trouble::EditGone,
            ),
            (
                400,
                "Bad Request: there is no text in the message to edit",
                Trouble::EditGone,
            ),
            (
                400,
                "Bad Request: message to delete not found",
                Trouble::DeleteGone,
            ),
            (
                400,
                "Bad Request: message can't be deleted",
                Trouble::CannotDelete,
            ),
            (
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
                Trouble::QueryTooOld,
            ),
            (
                400,
                "Bad Request: query is too old and response timeout expired or query id is invalid",
                Trouble::QueryTooOld,
            ),
            (401, "Unauthorized", Trouble::Token),
            (404, "Not Found", Trouble::Token),
            (
                500,
                "Internal Server Error: restart",
                Trouble::Unknown("Internal Server Error: restart".into()),
            ),
            (
                400,
                "Bad Request: chat not found",
                gone("Bad Request: chat not found"),
            ),
            (
                403,
                "Forbidden: bot was blocked by the user",
                gone("Forbidden: bot was blocked by the user"),
            ),
            (
                403,
                "Forbidden: something new",
                gone("Forbidden: something new"),
            ),
            (
                401,
                "Unauthorized: bot can't initiate conversation with a user",
                gone("Unauthorized: bot can't initiate conversation with a user"),
            ),
            (
                400,
                "Bad Request: BUTTON_DATA_INVALID",
                Trouble::Refused("Bad Request: BUTTON_DATA_INVALID".into()),
            ),
            (418, "I'm a teapot", Trouble::Refused("I'm a teapot".into())),
        ] {
            assert_eq!(Trouble::of(code, words, None), trouble, "{words}");
        }
        let slow = Trouble::of(429, "Too Many Requests: retry after 7", Some(7));
        assert_eq!(slow, Trouble::SlowDown(Duration::from_secs(7)));
        assert_eq!(
            Trouble::of(429, "Too Many Requests", None),
            Trouble::SlowDown(Duration::from_secs(1))
        );
    }
}
