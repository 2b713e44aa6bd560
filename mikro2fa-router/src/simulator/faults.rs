//! Faults to order: what goes wrong with the next command of a kind, or with every one.

use std::time::Duration;

/// What goes wrong with a command.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// It is carried out at once and answered so much later, in real time. Adds to other faults.
    Latency(Duration),
    /// It is carried out; the answer never comes. The connection stays.
    LoseReply,
    /// It is never answered, and carried out so much later on the simulator's clock, whether or not the connection is still
    /// there. Not before login.
    Late(Duration),
    /// The connection is closed instead; nothing is carried out.
    CutBefore,
    /// It is carried out; then the connection is closed without an answer.
    CutAfter,
    /// It is carried out; the connection is closed after so many bytes of the answer.
    CutMidReply(usize),
    /// Only so many records of the answer come, and no `!done`.
    Partial {
        /// How many.
        rows: usize,
        /// What comes instead of the rest.
        then: Then,
    },
    /// It is not carried out but answered with this `!trap`.
    Trap {
        /// `category`, where there is one.
        category: Option<u8>,
        /// `message`
        message: String,
    },
    /// A login is refused as if the password were wrong.
    RefuseLogin,
    /// It is not carried out; `!fatal` with this reason, and a close.
    Fatal(String),
    /// It is not carried out, and this connection answers nothing any more though it stays open.
    Stall,
    /// It is not carried out; these bytes come instead of an answer.
    Garbage(Vec<u8>),
}

/// What follows the records of a partial answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Then {
    /// Nothing, ever.
    Silence,
    /// A close.
    Cut,
    /// A `!trap` with this text, and `!done`: what volatile menus do when a row goes while they print.
    Trap(String),
}

impl Fault {
    /// A trap with this text and no category.
    #[must_use]
    pub fn trap(message: impl Into<String>) -> Self {
        Self::Trap {
            category: None,
            message: message.into(),
        }
    }

    /// A short name, for the log of commands.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::LoseReply => "lose-reply",
            Self::Late(_) => "late",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
            Self::CutMidReply(_) => "cut-mid-reply",
            Self::Partial { .. } => "partial",
            Self::Trap { .. } => "trap",
            Self::RefuseLogin => "refuse-login",
            Self::Fatal(_) => "fatal",
            Self::Stall => "stall",
            Self::Garbage(_) => "garbage",
        }
    }
}

/// Which commands a fault befalls, and how many of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct On {
    command: Which,
    user: Option<String>,
    skip: u32,
    times: Option<u32>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Which {
    Any,
    Command(String),
    Menu(String),
}

impl On {
    const fn which(command: Which) -> Self {
        Self {
            command,
            user: None,
            skip: 0,
            times: None,
        }
    }

    /// Any command, logins included.
    #[must_use]
    pub const fn any() -> Self {
        Self::which(Which::Any)
    }

    /// This command, `/ppp/active/print`.
    #[must_use]
    pub fn command(path: impl Into<String>) -> Self {
        Self::which(Which::Command(path.into()))
    }

    /// Any command of this menu, `/ip/firewall/address-list`.
    #[must_use]
    pub fn menu(path: impl Into<String>) -> Self {
        Self::which(Which::Menu(path.into()))
    }

    /// Logins.
    #[must_use]
    pub fn login() -> Self {
        Self::command("/login")
    }

    /// Only commands of this user.
    #[must_use]
    pub fn by(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Lets so many matching commands through first.
    #[must_use]
    pub const fn skip(mut self, commands: u32) -> Self {
        self.skip = commands;
        self
    }

    /// Befalls so many commands, then is over. Without this it is permanent.
    #[must_use]
    pub const fn times(mut self, commands: u32) -> Self {
        self.times = Some(commands);
        self
    }

    /// Befalls one command.
    #[must_use]
    pub const fn once(self) -> Self {
        self.times(1)
    }

    fn matches(&self, command: &str, user: &str) -> bool {
        let right_command = match &self.command {
            Which::Any => true,
            Which::Command(path) => path == command,
            Which::Menu(path) => command
                .rsplit_once('/')
                .is_some_and(|(menu, _)| menu == path),
        };
        right_command && self.user.as_deref().is_none_or(|wanted| wanted == user)
    }

    /// Counts a matching command; whether the fault befalls it.
    fn count(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// A fault that was set, to take it back by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FaultId(pub(crate) u64);

#[derive(Debug, Default)]
pub(crate) struct Faults {
    set: Vec<(FaultId, On, Fault)>,
    next: u64,
}

/// What befalls one command.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) latency: Duration,
    pub(crate) fault: Option<Fault>,
}

impl Faults {
    pub(crate) fn set(&mut self, on: On, fault: Fault) -> FaultId {
        self.next += 1;
        self.set.push((FaultId(self.next), on, fault));
        FaultId(self.next)
    }

    pub(crate) fn clear(&mut self, id: Option<FaultId>) {
        self.set
            .retain(|(known, ..)| id.is_some_and(|id| id != *known));
    }

    /// All latencies, and the first other fault in the order in which they were set.
    pub(crate) fn draw(&mut self, command: &str, user: &str) -> Drawn {
        let mut drawn = Drawn::default();
        for (_, on, fault) in &mut self.set {
            let settled = drawn.fault.is_some() && !matches!(fault, Fault::Latency(_));
            if settled || !on.matches(command, user) || !on.count() {
                continue;
            }
            match fault {
                Fault::Latency(latency) => drawn.latency = drawn.latency.saturating_add(*latency),
                other => drawn.fault = Some(other.clone()),
            }
        }
        self.set.retain(|(_, on, _)| on.times != Some(0));
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_befalls_what_it_was_set_for() {
        let mut faults = Faults::default();
        faults.set(
            On::menu("/ppp/active").by("ann").skip(1).once(),
            Fault::Stall,
        );
        assert!(faults.draw("/ppp/secret/print", "ann").fault.is_none());
        assert!(faults.draw("/ppp/active/print", "bob").fault.is_none());
        assert!(faults.draw("/ppp/active/print", "ann").fault.is_none());
        assert_eq!(
            faults.draw("/ppp/active/remove", "ann").fault,
            Some(Fault::Stall)
        );
        assert!(faults.draw("/ppp/active/print", "ann").fault.is_none());
    }

    #[test]
    fn latencies_add_up_and_the_first_other_fault_counts() {
        let mut faults = Faults::default();
        let second = Duration::from_secs(1);
        faults.set(On::any(), Fault::Latency(second));
        faults.set(On::any().once(), Fault::LoseReply);
        let cut = faults.set(On::any(), Fault::CutAfter);
        faults.set(On::any(), Fault::Latency(second));
        let first = faults.draw("/x/print", "");
        assert_eq!(
            (first.latency, first.fault),
            (2 * second, Some(Fault::LoseReply))
        );
        assert_eq!(faults.draw("/x/print", "").fault, Some(Fault::CutAfter));
        faults.clear(Some(cut));
        assert_eq!(faults.draw("/x/print", "").fault, None);
        faults.clear(None);
        assert_eq!(faults.draw("/x/print", "").latency, Duration::ZERO);
    }
}
