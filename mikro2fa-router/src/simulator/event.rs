//! What happened on the router, as somebody standing beside it would tell it.

use std::{collections::VecDeque, net::IpAddr, time::Duration};

use super::dial::DialRefused;

/// Events kept; older ones are forgotten.
const MAX_EVENTS: usize = 100_000;

/// Something that happened, and when on the simulator's clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// When.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// A VPN client's session is up; it has no address yet if `address` is `None`.
    Dialled {
        /// Whose login.
        account: String,
        /// The address it got.
        address: Option<IpAddr>,
    },
    /// A VPN client was turned away.
    DialRefused {
        /// Whose login.
        account: String,
        /// Why.
        reason: DialRefused,
    },
    /// A session has ended.
    Ended {
        /// Whose login.
        account: String,
        /// The address that it had.
        address: Option<IpAddr>,
        /// As `last-disconnect-reason` says it.
        reason: &'static str,
    },
    /// The router started again.
    Rebooted,
    /// A profile's script did something that the simulator does not understand; also in `/log`, topics `script,error`.
    ScriptFailed {
        /// `on-up` or `on-down`; of a scheduler `on-event`.
        hook: &'static str,
        /// What was wrong.
        error: String,
    },
    /// A command whose reply was lost has now been done.
    LateCommand {
        /// Its path.
        command: String,
    },
}

/// The events so far.
#[derive(Debug, Default)]
pub(crate) struct Events {
    all: VecDeque<Event>,
}

impl Events {
    pub(crate) fn push(&mut self, at: Duration, what: Happening) {
        if self.all.len() >= MAX_EVENTS {
            self.all.pop_front();
        }
        self.all.push_back(Event { at, what });
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.all.iter().cloned().collect()
    }
}
