//! What can go wrong between us and a router.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::{
    retry::Retry,
    router_backend::{Command, RouterError},
    time::Timestamp,
    tunnel::Text,
};

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandFault {
    /// It is done, and its reply is lost.
    LostReply,
    /// Its reply is lost, and it runs so much later, with the lease that was written now.
    Late(Duration),
    /// It is lost on its way, which looks the same from here as a lost reply.
    LostCommand,
    /// The router refuses it.
    Refused {
        /// In its words.
        reason: Text,
        /// Again or not?
        retry: Retry,
    },
}

/// What becomes of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookFault {
    /// It fails.
    Fails(RouterError),
    /// This part breaks off in the middle: it is not there.
    BreaksOff(SeenPart),
}

/// A part of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenPart {
    /// See [`crate::router_backend::Look::tunnels`].
    Tunnels,
    /// See [`crate::router_backend::Look::permits`].
    Permits,
    /// See [`crate::router_backend::Look::bans`].
    Bans,
    /// See [`crate::router_backend::Look::accounts`].
    Accounts,
    /// See [`crate::router_backend::Look::rules`].
    Rules,
    /// See [`crate::router_backend::Look::gate`].
    Gate,
}

type IsMeant = Box<dyn Fn(&Command) -> bool + Send>;

pub(super) struct Faults {
    pub(super) away_until: Timestamp,
    pub(super) commands: Vec<(IsMeant, CommandFault)>,
    pub(super) looks: VecDeque<LookFault>,
    pub(super) hints_lost: bool,
    pub(super) gate_hidden: bool,
    pub(super) turns: u32,
}

impl Faults {
    pub(super) const fn none() -> Self {
        Self {
            away_until: Timestamp(i64::MIN),
            commands: Vec::new(),
            looks: VecDeque::new(),
            hints_lost: false,
            gate_hidden: false,
            turns: 0,
        }
    }

    /// The first fault that is meant for this command; used up.
    pub(super) fn of(&mut self, command: &Command) -> Option<CommandFault> {
        let place = self
            .commands
            .iter()
            .position(|(is_meant, _)| is_meant(command))?;
        Some(self.commands.remove(place).1)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("commands", &self.commands.len())
            .field("looks", &self.looks)
            .finish_non_exhaustive()
    }
}
