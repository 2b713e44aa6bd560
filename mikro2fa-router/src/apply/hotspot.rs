//! Ending a hotspot session for good: its client would come back by a cookie (MikroTik manual, *HotSpot*), so cookies go first.

use mikro2fa_core::{
    router_backend::Applied,
    time::Timestamp,
    tunnel::{Text, TunnelKey},
};

use super::{Context, Errand, Words, ended, impossible};
use crate::{
    handle::Id,
    sentence::{Path, Sentence},
    text,
    transport::{Answer, End, No},
};

/// Compares, takes the user's cookies away, and ends the session. A cookie that stays is no reason to leave the session.
pub(super) struct Kick<'a> {
    account: &'a Text,
    id: Id,
    step: Step,
    /// What was wrong with the cookies.
    stayed: Option<Applied>,
    /// How often they were looked for.
    looks: u8,
}

/// Cookies that are gone whenever they are to be removed are not looked for for ever.
const LOOKS: u8 = 3;

enum Step {
    Compare,
    Cookies,
    Forget(Vec<Id>),
    End,
}

impl<'a> Kick<'a> {
    pub(super) fn new(
        context: &Context<'_>,
        key: &TunnelKey,
        account: &'a Text,
    ) -> Result<Self, Applied> {
        if key.router != context.site.router {
            return Err(impossible("the session is of another router"));
        }
        let id = Id::parse(key.handle.as_bytes())
            .ok_or_else(|| impossible(format!("`{}` is no id of a session", key.handle)))?;
        Ok(Self {
            account,
            id,
            step: Step::Compare,
            stayed: None,
            looks: 0,
        })
    }

    fn compare(&mut self, answer: &Answer) -> Option<Applied> {
        let still = answer.rows.iter().any(|row| {
            row.id() == Some(self.id.as_ref())
                && row.bytes("user").map(text::decode).as_ref() == Some(self.account)
        });
        if !still {
            return Some(Applied::AlreadySo);
        }
        self.step = Step::Cookies;
        None
    }

    fn cookies(&mut self, answer: &Answer) {
        let ids: Vec<Id> = answer
            .rows
            .iter()
            .filter_map(|row| Id::parse(row.id()?))
            .collect();
        self.looks += 1;
        self.step = if ids.is_empty() || self.looks > LOOKS {
            Step::End
        } else {
            Step::Forget(ids)
        };
    }
}

impl Errand for Kick<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        Some(Words::Alone(match &self.step {
            Step::Compare => Sentence::new(Path::HotspotActivePrint)
                .only(&[".id", "user"])
                .equal(".id", self.id.as_ref()),
            Step::Cookies => Sentence::new(Path::HotspotCookiePrint)
                .only(&[".id"])
                .equal("user", text::encode(self.account)),
            Step::Forget(ids) => Sentence::new(Path::HotspotCookieRemove).of(ids),
            Step::End => Sentence::new(Path::HotspotActiveRemove).of([&self.id]),
        }))
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        let gone = matches!(&answer.end, End::Refused(no) if no.kind == No::Gone);
        let done = matches!(&answer.end, End::Done { .. });
        match (&self.step, &answer.end) {
            (Step::Compare, End::Done { .. }) => self.compare(answer),
            (Step::Cookies, End::Done { .. }) => {
                self.cookies(answer);
                None
            }
            // One that lapsed meanwhile fails the list: the rest is looked for again.
            (Step::Forget(_), _) if gone => {
                self.step = Step::Cookies;
                None
            }
            (Step::Forget(_), _) if done => {
                self.step = Step::End;
                None
            }
            (Step::Cookies | Step::Forget(_), End::Refused(_)) => {
                self.stayed = Some(ended(&answer.end, true));
                self.step = Step::End;
                None
            }
            (Step::End, _) if gone => Some(self.stayed.take().unwrap_or(Applied::AlreadySo)),
            (Step::End, End::Done { .. }) => {
                let done = Applied::Done { handle: None };
                Some(self.stayed.take().unwrap_or(done))
            }
            (step, end) => Some(ended(end, matches!(step, Step::Forget(_) | Step::End))),
        }
    }
}
