//! The question, its answer, and the proof that an answer checked out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::{ChallengeId, UserId},
    policy::{Adopt, Policy},
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// What the owner said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// "Yes, it was me."
    Yes,
    /// "No, not me."
    No,
}

/// What made us ask.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChallengeKind {
    /// Access had been asked for, or need not be.
    Requested,
    /// Nobody had asked for access: a yes is request and answer at once. Does not count when unanswered.
    Unrequested,
    /// The tunnel was up before mikro2fa or its gate.
    Adopted,
    /// Another tunnel of this account is open, from another caller.
    Second {
        /// Where the open one comes from.
        other: Option<Caller>,
    },
}

/// How far the question got.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Telegram has not accepted it yet: no deadline runs, nothing counts.
    Undelivered {
        /// When it is given up.
        give_up_at: Timestamp,
    },
    /// Telegram has it.
    Delivered {
        /// Answers count until then.
        until: Timestamp,
        /// When it is sent again.
        resend_at: Option<Timestamp>,
    },
}

/// One question about one tunnel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Challenge {
    /// Unguessable; answers name it.
    pub id: ChallengeId,
    /// What made us ask.
    pub kind: ChallengeKind,
    /// When it was made.
    pub asked_at: Timestamp,
    /// How far it got.
    pub asked: Asked,
    /// How often it was sent again.
    pub resends: u8,
    /// When it last made a sound.
    pub sounded_at: Timestamp,
    /// How many other tunnels of this account it replaced.
    pub others: u16,
    /// The caller was not seen for this account within 90 days.
    pub first_time: bool,
    /// The tunnel came before its request was ready.
    pub early: bool,
    /// Answers cannot reach us since then: the clock stands still.
    pub paused_at: Option<Timestamp>,
}

/// Why an answer changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejected {
    /// By somebody else than the owner.
    NotTheOwner,
    /// The question is closed: answered, replaced, or ended.
    Stale,
    /// After the deadline.
    Late {
        /// Which was then.
        deadline: Timestamp,
    },
    /// The very same answer was counted already.
    Already,
}

/// Proof that a tunnel may be opened. Private fields: only the three ways of this module make one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confirmed(Proof);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Proof {
    Owner {
        challenge: ChallengeId,
        user: UserId,
    },
    Operator {
        who: Text,
        reason: Text,
    },
    Policy {
        version: u32,
    },
    /// Up before the gate was: goes on until then.
    Adopted {
        until: Timestamp,
    },
}

impl Confirmed {
    /// An operator's word, with the reason they gave.
    #[must_use]
    pub const fn by_operator(who: Text, reason: Text) -> Self {
        Self(Proof::Operator { who, reason })
    }

    /// A policy that asks for no confirmation, or none if this one asks.
    #[must_use]
    pub fn by_policy(policy: &Policy, version: u32) -> Option<Self> {
        (!policy.require_confirmation).then_some(Self(Proof::Policy { version }))
    }

    /// A router whose tunnels from before go on for a while, as long as that is at `now`; with when it ends.
    #[must_use]
    pub fn by_adoption(adopt: Adopt, now: Timestamp) -> Option<(Self, Timestamp)> {
        match adopt {
            Adopt::Grace { until } if now < until => Some((Self(Proof::Adopted { until }), until)),
            Adopt::Grace { .. } | Adopt::Ask | Adopt::Cut => None,
        }
    }

    /// Until when at most, where nobody has confirmed it and it goes on because it was there before.
    #[must_use]
    pub const fn adopted_until(&self) -> Option<Timestamp> {
        match &self.0 {
            Proof::Adopted { until } => Some(*until),
            _ => None,
        }
    }

    /// The challenge whose answer this was.
    #[must_use]
    pub const fn challenge(&self) -> Option<ChallengeId> {
        match &self.0 {
            Proof::Owner { challenge, .. } => Some(*challenge),
            _ => None,
        }
    }

    /// The operator who let it in, and why.
    #[must_use]
    pub const fn operator(&self) -> Option<(&Text, &Text)> {
        match &self.0 {
            Proof::Operator { who, reason } => Some((who, reason)),
            _ => None,
        }
    }
}

impl Challenge {
    /// A new question. Its deadline starts when Telegram has it.
    #[must_use]
    pub fn new(id: ChallengeId, kind: ChallengeKind, now: Timestamp, policy: &Policy) -> Self {
        Self {
            id,
            kind,
            asked_at: now,
            asked: Asked::Undelivered {
                give_up_at: now + policy.confirmation_timeout,
            },
            resends: 0,
            sounded_at: now,
            others: 0,
            first_time: false,
            early: false,
            paused_at: None,
        }
    }

    /// How long it stays open, once delivered: an unrequested tunnel's as long as the tunnel is held.
    #[must_use]
    pub const fn open_for(&self, policy: &Policy) -> Duration {
        match self.kind {
            ChallengeKind::Unrequested => policy.hold_for,
            _ => policy.confirmation_timeout,
        }
    }

    /// Until when an answer counts, as far as is known; shown to people.
    #[must_use]
    pub fn deadline(&self, policy: &Policy) -> Timestamp {
        match self.asked {
            Asked::Undelivered { .. } => self.asked_at + self.open_for(policy),
            Asked::Delivered { until, .. } => until,
        }
    }

    /// When the next thing is due; nothing while answers cannot reach us.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        if self.paused_at.is_some() {
            return None;
        }
        Some(match self.asked {
            Asked::Undelivered { give_up_at } => give_up_at,
            Asked::Delivered { until, resend_at } => resend_at.map_or(until, |at| at.min(until)),
        })
    }

    /// Telegram has it: the deadline runs from here.
    pub fn delivered(&mut self, at: Timestamp, policy: &Policy) {
        let resends = matches!(self.kind, ChallengeKind::Unrequested);
        self.asked = Asked::Delivered {
            until: at + self.open_for(policy),
            resend_at: (!resends && policy.max_resends > 0).then(|| at + policy.resend_every),
        };
    }

    /// Sends it again if that is due; says whether it was.
    pub fn resend(&mut self, now: Timestamp, policy: &Policy) -> bool {
        let Asked::Delivered {
            until,
            resend_at: Some(at),
        } = self.asked
        else {
            return false;
        };
        if now < at || now >= until {
            return false;
        }
        self.resends = self.resends.saturating_add(1);
        self.sounded_at = now;
        let again = now + policy.resend_every;
        self.asked = Asked::Delivered {
            until,
            resend_at: (self.resends < policy.max_resends && again < until).then_some(again),
        };
        true
    }

    /// Lets the clock go on after a gap in which no answer could reach us.
    pub fn resume(&mut self, now: Timestamp) -> Option<Duration> {
        let gap = now.since(self.paused_at.take()?);
        match &mut self.asked {
            Asked::Undelivered { give_up_at } => *give_up_at = *give_up_at + gap,
            Asked::Delivered { until, resend_at } => {
                *until = *until + gap;
                *resend_at = resend_at.map(|at| at + gap);
            }
        }
        Some(gap)
    }

    /// Verifies an answer: the only maker of an owner's [`Confirmed`].
    ///
    /// # Errors
    ///
    /// Why it does not count: not the owner's, another question's, or after the deadline. A *no* is accepted like a
    /// *yes*; its proof is worthless to whoever drops it.
    pub fn verify(
        &self,
        challenge: ChallengeId,
        by: UserId,
        owner: UserId,
        now: Timestamp,
    ) -> Result<Confirmed, Rejected> {
        if by != owner {
            return Err(Rejected::NotTheOwner);
        }
        if challenge != self.id {
            return Err(Rejected::Stale);
        }
        let deadline = match self.asked {
            Asked::Undelivered { give_up_at } => give_up_at,
            Asked::Delivered { until, .. } => until,
        };
        if self.paused_at.is_none() && now >= deadline {
            return Err(Rejected::Late { deadline });
        }
        Ok(Confirmed(Proof::Owner {
            challenge,
            user: by,
        }))
    }
}
