//! What is remembered of an account beyond its sessions: questions put, answers missed, callers seen.

use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use crate::{policy::Policy, time::Timestamp, tunnel::Caller};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// A caller is new again after this.
const CALLER_KNOWN: Duration = Duration::from_secs(90 * 86_400);
/// As many callers as are remembered: more is somebody trying.
const CALLERS: usize = 64;
/// The first pause of a cool-down; each further one within a day is twice as long.
const COOL_DOWN: Duration = Duration::from_secs(15 * 60);
/// The longest pause of a cool-down.
const COOL_DOWN_MOST: Duration = Duration::from_secs(4 * 3_600);

/// What is remembered of one account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    /// When questions were put, within the last hour.
    pub prompts: Vec<Timestamp>,
    /// Which questions were not answered, and from where their tunnels came.
    pub unanswered: Vec<(Timestamp, Option<Caller>)>,
    /// Callers whose tunnels the owner confirmed, and when last.
    pub confirmed: LiteMap<CallerText, Timestamp>,
    /// Callers from which this account logged in at all, and when last.
    pub seen: LiteMap<CallerText, Timestamp>,
    /// No questions until then.
    pub cool_until: Option<Timestamp>,
    /// How often in a row questions were paused, and when last.
    pub cooled: (u8, Timestamp),
}

/// A caller as a map's key.
pub type CallerText = Box<str>;

/// May a question be put?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MayAsk {
    /// Yes.
    Yes,
    /// Not before `until`. `begins` when this very attempt made it so: then people are told.
    NotBefore {
        /// When questions may be put again.
        until: Timestamp,
        /// Told now, once.
        begins: bool,
    },
}

impl Book {
    /// May a question about this account be put now? Counts nothing yet; begins a cool-down where it is due.
    pub fn may_ask(&mut self, now: Timestamp, policy: &Policy) -> MayAsk {
        if let Some(until) = self.cool_until {
            if now < until {
                return MayAsk::NotBefore {
                    until,
                    begins: false,
                };
            }
            self.cool_until = None;
        }
        self.prompts.retain(|&at| now.since(at) < HOUR);
        let most = usize::from(policy.max_prompts_per_hour);
        if self.prompts.len() < most {
            return MayAsk::Yes;
        }
        let (times, last) = self.cooled;
        let times = if now.since(last) < DAY { times } else { 0 };
        let pause = COOL_DOWN
            .saturating_mul(1 << times.min(4))
            .min(COOL_DOWN_MOST);
        // However short the pause, the hour keeps its measure: when there is room in it again.
        let room = self.prompts.len().checked_sub(most);
        let room = room.and_then(|first| self.prompts.get(first));
        let until = room.map_or(now, |&at| at + HOUR).max(now + pause);
        self.cooled = (times.saturating_add(1), now);
        self.cool_until = Some(until);
        MayAsk::NotBefore {
            until,
            begins: true,
        }
    }

    /// Ends a cool-down: the owner asked for access.
    pub fn warm_up(&mut self) {
        if self.cool_until.take().is_some() {
            self.prompts.clear();
        }
    }

    /// A question was put.
    pub fn prompted(&mut self, now: Timestamp) {
        self.prompts.push(now);
    }

    /// A question was not answered. Says how many in the window, from this caller, when that is a ban's worth.
    pub fn missed(
        &mut self,
        caller: Option<Caller>,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<u16> {
        self.unanswered
            .retain(|(at, _)| now.since(*at) < policy.unanswered_window);
        self.unanswered.push((now, caller.clone()));
        let count = self
            .unanswered
            .iter()
            .filter(|(_, from)| *from == caller)
            .count();
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        (count >= policy.max_unanswered).then(|| {
            self.unanswered.retain(|(_, from)| *from != caller);
            count
        })
    }

    /// The owner confirmed a tunnel from here: what was missed from here no longer counts.
    pub fn confirmed(&mut self, caller: Option<&Caller>, now: Timestamp) {
        self.unanswered.retain(|(_, from)| from.as_ref() != caller);
        if let Some(caller) = caller {
            remember(&mut self.confirmed, caller, now);
        }
    }

    /// A tunnel came from here. Returns whether that is worth writing down: at most once an hour a caller.
    pub fn saw(&mut self, caller: &Caller, now: Timestamp) -> bool {
        let known = self.seen.get(caller.to_string().as_str());
        if known.is_some_and(|&at| now.since(at) < HOUR) {
            return false;
        }
        remember(&mut self.seen, caller, now);
        true
    }

    /// Was this caller confirmed by the owner within 90 days?
    #[must_use]
    pub fn knows(&self, caller: Option<&Caller>, now: Timestamp) -> bool {
        caller
            .and_then(|caller| self.confirmed.get(caller.to_string().as_str()))
            .is_some_and(|&at| now.since(at) < CALLER_KNOWN)
    }

    /// From where a tunnel was last confirmed, and when.
    #[must_use]
    pub fn last_confirmed(&self) -> Option<(CallerText, Timestamp)> {
        let latest = self.confirmed.iter().max_by_key(|(_, at)| **at);
        latest.map(|(caller, at)| (caller.clone(), *at))
    }

    /// Did this account log in from here within 24 h?
    #[must_use]
    pub fn was_at(&self, caller: &Caller, now: Timestamp) -> bool {
        let caller = caller.to_string();
        self.seen_lately(now).any(|seen| seen == caller)
    }

    /// From where this account logged in within 24 h.
    pub fn seen_lately(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        // `saw` writes at most once an hour: an hour more, so that nobody is missed.
        let lately = move |at: Timestamp| now.since(at) < DAY + HOUR;
        let seen = self.seen.iter().filter(move |(_, at)| lately(**at));
        seen.map(|(caller, _)| &**caller)
    }
}

/// Keeps the latest, and forgets the oldest when there are too many.
fn remember(callers: &mut LiteMap<CallerText, Timestamp>, caller: &Caller, now: Timestamp) {
    callers.insert(caller.to_string().into(), now);
    if callers.len() > CALLERS {
        let oldest = callers
            .iter()
            .min_by_key(|(_, at)| **at)
            .map(|(caller, _)| caller.clone());
        if let Some(oldest) = oldest {
            callers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(n: i64) -> Timestamp {
        Timestamp(n * 60_000)
    }

    #[test]
    fn the_seventh_question_of_an_hour_waits_and_waits_longer_each_time() {
        let (mut book, policy) = (Book::default(), Policy::default());
        for n in 0..6 {
            assert_eq!(book.may_ask(minutes(50 + n), &policy), MayAsk::Yes);
            book.prompted(minutes(50 + n));
        }
        // 15 minutes would be over at 71, when there were six within the hour before.
        let pause = |begins| MayAsk::NotBefore {
            until: minutes(110),
            begins,
        };
        assert_eq!(book.may_ask(minutes(56), &policy), pause(true));
        assert_eq!(book.may_ask(minutes(57), &policy), pause(false));
        assert_eq!(book.may_ask(minutes(109), &policy), pause(false));
        assert_eq!(book.may_ask(minutes(110), &policy), MayAsk::Yes);
        for _ in 0..6 {
            book.prompted(minutes(115));
        }
        book.cooled.0 = 3;
        let longer = MayAsk::NotBefore {
            until: minutes(116 + 120),
            begins: true,
        };
        assert_eq!(book.may_ask(minutes(116), &policy), longer);
    }

    #[test]
    fn no_hour_has_more_questions_than_policy_says() {
        let (mut book, policy) = (Book::default(), Policy::default());
        let mut asked = Vec::new();
        for n in 0..2_000 {
            if book.may_ask(minutes(n), &policy) == MayAsk::Yes {
                book.prompted(minutes(n));
                asked.push(n);
            }
        }
        assert!(asked.len() > 12, "it goes on: {asked:?}");
        for first in &asked {
            let hour = asked.iter().filter(|n| (*first..first + 60).contains(*n));
            assert!(hour.count() <= 6, "{asked:?}");
        }
    }

    #[test]
    fn three_missed_answers_ban_their_caller_only() {
        let (mut book, policy) = (Book::default(), Policy::default());
        let (home, office) = (
            Some(Caller::parse("192.0.2.1")),
            Some(Caller::parse("192.0.2.2")),
        );
        assert_eq!(book.missed(home.clone(), minutes(0), &policy), None);
        assert_eq!(book.missed(office, minutes(1), &policy), None);
        assert_eq!(book.missed(home.clone(), minutes(2), &policy), None);
        assert_eq!(book.missed(home.clone(), minutes(3), &policy), Some(3));
        assert_eq!(
            book.missed(home, minutes(90), &policy),
            None,
            "the window has gone by"
        );
    }

    #[test]
    fn callers_are_forgotten_oldest_first() {
        let mut book = Book::default();
        for n in 0..100_u8 {
            book.saw(
                &Caller::parse(&format!("192.0.2.{n}")),
                minutes(i64::from(n) * 61),
            );
        }
        assert_eq!(book.seen.len(), CALLERS);
        let lately: Vec<&str> = book.seen_lately(minutes(99 * 61)).collect();
        assert!(lately.contains(&"192.0.2.99") && !lately.contains(&"192.0.2.3"));
        assert_eq!(lately.len(), 25);
    }
}
