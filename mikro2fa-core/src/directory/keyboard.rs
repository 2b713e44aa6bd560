//! Keyboards of the chat, as they are kept: what each button means.

use serde::{Deserialize, Serialize};

use crate::{
    desk::ChatId,
    id::{AccountId, ChallengeId, OfferId, RegistrationId, RouterId, SessionId, UserId},
    session::Answer,
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// A rendered keyboard's unguessable id: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyboardId(pub [u8; 16]);

/// What a tap on one button of a keyboard means.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "press", rename_all = "snake_case")]
pub enum Press {
    /// An answer.
    Answer {
        /// To which session's question.
        session: SessionId,
        /// To which question.
        challenge: ChallengeId,
        /// What.
        answer: Answer,
    },
    /// "Not me" on an open or resumed session.
    NotMe {
        /// Which.
        session: SessionId,
    },
    /// "Not me" of attempts that no session is about.
    NotMine {
        /// Of which account.
        account: AccountId,
        /// On which router.
        router: RouterId,
        /// From where, as far as that was told.
        caller: Option<Caller>,
        /// When that was.
        at: Timestamp,
    },
    /// Ends a session.
    End {
        /// Which.
        session: SessionId,
    },
    /// Takes back a request.
    Cancel {
        /// Which session.
        session: SessionId,
    },
    /// Extends a session.
    Extend {
        /// Which.
        session: SessionId,
        /// From which buttons.
        offer: OfferId,
        /// By how many minutes.
        minutes: u32,
    },
    /// Asks for access; where a tunnel of the account is held, it is asked about at once.
    Request {
        /// For which account.
        account: AccountId,
        /// On which router.
        router: RouterId,
    },
    /// Says that "not me" was a mistake: told to operators, opens nothing.
    Mistake {
        /// Which session.
        session: SessionId,
    },
    /// Shows a session's card again, below.
    Show {
        /// Which session.
        session: SessionId,
    },
    /// Another page of a list.
    Page {
        /// Which list.
        view: Text,
        /// Which page, from 0.
        page: u32,
    },
    /// An operator approves a registration.
    Approve {
        /// Which.
        registration: RegistrationId,
    },
    /// An operator rejects a registration.
    Reject {
        /// Which.
        registration: RegistrationId,
    },
    /// A person takes their registration back.
    Withdraw {
        /// Which.
        registration: RegistrationId,
    },
    /// Closes a view.
    Dismiss,
}

/// One rendered keyboard: its buttons mean nothing without this row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keyboard {
    /// In each button's data.
    pub id: KeyboardId,
    /// In which chat.
    pub chat: ChatId,
    /// Whose; none = an operator's or a stranger's.
    pub user: Option<UserId>,
    /// The link of that user when it was made: buttons of an earlier chat are dead.
    pub link_generation: u32,
    /// The messages that carry it, as far as they are known.
    pub messages: Vec<i64>,
    /// What each button means, in order.
    pub presses: Vec<Press>,
    /// Since when it is there. Taps within 1.5 s of replacing another keyboard do not count, except closing ones.
    pub made_at: Timestamp,
    /// Did it replace another one?
    pub replaces: bool,
    /// Good until then.
    pub ends_at: Timestamp,
    /// Replaced or used: a kind word, and nothing else.
    pub dead: bool,
}
