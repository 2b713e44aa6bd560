//! What the page may ask the world for.

use serde::{Deserialize, Serialize};

/// One thing to do. In JSON: `{"do": "dial", "client": "ann"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A client connects.
    Dial {
        /// [`Client::id`](super::Client::id).
        client: String,
    },
    /// A client says goodbye and disconnects.
    HangUp {
        /// [`Client::id`](super::Client::id).
        client: String,
    },
    /// A client's line breaks without a goodbye; the router notices by keepalive.
    DropLine {
        /// [`Client::id`](super::Client::id).
        client: String,
    },
    /// A client tries each of its targets once.
    Reach {
        /// [`Client::id`](super::Client::id).
        client: String,
    },
    /// Somebody types into the chat.
    Send {
        /// [`Phone::id`](super::Phone::id).
        phone: String,
        /// What they type; at most [`Act::MAX_TEXT`] characters.
        text: String,
    },
    /// Somebody taps a button below a message.
    Tap {
        /// [`Phone::id`](super::Phone::id).
        phone: String,
        /// [`Message::id`](super::Message::id).
        message: i64,
        /// [`Key::data`](super::Key::data).
        data: String,
    },
    /// Time goes by.
    Advance {
        /// How much; at most [`Act::MAX_ADVANCE`].
        seconds: u32,
    },
    /// Time goes by, up to a moment in the life of the session that is shown.
    AdvanceTo {
        /// Which.
        moment: Moment,
    },
    /// The router loses power, and with it all that it holds in memory.
    Unplug,
    /// The cable between mikro2fa and the router is pulled; the router and its tunnels live on.
    CutOff,
    /// Plug or cable go in again.
    Plug,
    /// The router restarts.
    Reboot,
    /// mikro2fa dies in the middle of what it does.
    KillEngine,
    /// mikro2fa is started again, on the same database.
    StartEngine,
    /// A scene is set: from a fresh world up to the point where somebody watching takes over.
    Play {
        /// Which.
        scene: Scene,
    },
    /// The world begins anew.
    StartOver,
}

impl Act {
    /// The longest time that one act lets go by, in seconds: a week.
    pub const MAX_ADVANCE: u32 = 7 * 24 * 60 * 60;

    /// The longest text that can be typed, in characters: Telegram's own limit.
    pub const MAX_TEXT: usize = 4096;

    /// What is out of bounds, said before any world sees it.
    pub(super) fn out_of_bounds(&self) -> Option<&'static str> {
        match self {
            Self::Advance { seconds } if *seconds > Self::MAX_ADVANCE => {
                Some("at most a week goes by at once")
            }
            Self::Send { text, .. } if text.trim().is_empty() => {
                Some("an empty message can't be sent")
            }
            Self::Send { text, .. } if text.chars().count() > Self::MAX_TEXT => {
                Some("a message has at most 4096 characters")
            }
            _ => None,
        }
    }
}

/// A moment to go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The question's deadline.
    Deadline,
    /// The reminder.
    Reminder,
    /// The session's end.
    End,
}

/// A scene that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// Request, dial, question: the answer is left to whoever watches.
    Confirm,
    /// Somebody has the password: the question comes although the owner does nothing.
    NotMe,
    /// A question that nobody answers.
    NoAnswer,
    /// A tunnel that nobody requested.
    Unrequested,
    /// The line drops and comes back.
    LineDrop,
    /// A second tunnel of the same account, from another caller.
    SecondCaller,
    /// The address of a confirmed tunnel is handed to somebody else.
    AddressReuse,
    /// The router is out of reach when the answer comes.
    RouterAway,
    /// The router restarts under an open session.
    Reboot,
    /// mikro2fa dies for longer than the lease.
    LeaseLapse,
}

/// What came of an act.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Outcome {
    /// For a tap: what the bot answered to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

/// The bot's answer to a tap.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Said {
    /// Plain text.
    pub text: String,
    /// Shown until it is closed, instead of for a moment.
    pub popup: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_in_json() {
        let cases = [
            (
                Act::Dial {
                    client: "ann".into(),
                },
                r#"{"do":"dial","client":"ann"}"#,
            ),
            (
                Act::Tap {
                    phone: "ann".into(),
                    message: 7,
                    data: "1x".into(),
                },
                r#"{"do":"tap","phone":"ann","message":7,"data":"1x"}"#,
            ),
            (
                Act::AdvanceTo {
                    moment: Moment::Reminder,
                },
                r#"{"do":"advance_to","moment":"reminder"}"#,
            ),
            (
                Act::Play {
                    scene: Scene::NotMe,
                },
                r#"{"do":"play","scene":"not_me"}"#,
            ),
            (Act::StartOver, r#"{"do":"start_over"}"#),
        ];
        for (act, json) in cases {
            assert_eq!(serde_json::to_string(&act).unwrap(), json);
            assert_eq!(serde_json::from_str::<Act>(json).unwrap(), act);
        }
    }

    #[test]
    fn what_is_not_an_act() {
        for json in [
            r#"{"do":"explode"}"#,
            r#"{"do":"dial"}"#,
            r#"{"do":"dial","client":"a","x":1}"#,
            "[]",
            "{}",
        ] {
            assert!(serde_json::from_str::<Act>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn bounds() {
        let send = |text: &str| Act::Send {
            phone: "ann".into(),
            text: text.into(),
        };
        assert!(
            Act::Advance {
                seconds: Act::MAX_ADVANCE
            }
            .out_of_bounds()
            .is_none()
        );
        assert!(
            Act::Advance {
                seconds: Act::MAX_ADVANCE + 1
            }
            .out_of_bounds()
            .is_some()
        );
        assert!(send(&"я".repeat(Act::MAX_TEXT)).out_of_bounds().is_none());
        assert!(
            send(&"a".repeat(Act::MAX_TEXT + 1))
                .out_of_bounds()
                .is_some()
        );
        assert!(send(" \n").out_of_bounds().is_some());
    }
}
