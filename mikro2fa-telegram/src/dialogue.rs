//! What a chat was asked for and has not said yet. Never security state: a restart forgets it, and nothing is lost.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mikro2fa_core::time::Timestamp;

/// Nobody is waited for longer than this.
const LIFE: Duration = Duration::from_secs(600);
/// Chats waited for at once.
const MOST: usize = 10_000;

/// What the next text is the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The name of somebody who asks to be let in.
    Name,
    /// A time zone.
    Zone,
}

#[derive(Debug, Default)]
pub(crate) struct Dialogues(Mutex<BTreeMap<i64, (Step, Timestamp)>>);

impl Dialogues {
    pub(crate) fn ask(&self, chat: i64, step: Step, now: Timestamp) {
        let mut waiting = self.waiting();
        if waiting.len() >= MOST {
            waiting.retain(|_, (_, until)| *until > now);
        }
        if waiting.len() < MOST {
            waiting.insert(chat, (step, now + LIFE));
        }
    }

    pub(crate) fn step(&self, chat: i64, now: Timestamp) -> Option<Step> {
        self.waiting()
            .get(&chat)
            .filter(|(_, until)| *until > now)
            .map(|(step, _)| *step)
    }

    /// Says whether there was anything to end.
    pub(crate) fn end(&self, chat: i64, now: Timestamp) -> bool {
        self.waiting()
            .remove(&chat)
            .is_some_and(|(_, until)| until > now)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<i64, (Step, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialogue_ends_by_itself() {
        let dialogues = Dialogues::default();
        dialogues.ask(1, Step::Name, Timestamp(0));
        assert_eq!(dialogues.step(1, Timestamp(599_999)), Some(Step::Name));
        assert_eq!(dialogues.step(1, Timestamp(600_000)), None);
        assert!(!dialogues.end(1, Timestamp(600_000)));
    }
}
