//! What to do with a tunnel that no session is about: the machine's way in, as a pure judgement.

use std::time::Duration;

use crate::{
    ban::Ban,
    book::{Book, MayAsk},
    desk::{Account, AccountKind, Mode, Router, User},
    id::SessionId,
    policy::{Adopt, Policy, Resume, SecondTunnel, Unowned},
    session::{ChallengeKind, Confirmed, RESUMES, Session, SessionState, same_caller},
    time::Timestamp,
    tunnel::{Caller, Tunnel},
};

/// Since when a tunnel is up jitters: by so much more, and one is the older.
const JITTER: Duration = Duration::from_secs(10);

/// A tunnel has come up, and this is what is known.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// The tunnel.
    pub tunnel: &'a Tunnel,
    /// Now.
    pub now: Timestamp,
    /// Its router.
    pub router: &'a Router,
    /// Is the gate whole? A broken one does not hold, so what would be held is cut.
    pub gate_whole: bool,
    /// Its account, if the desk knows one of this name.
    pub account: Option<&'a Account>,
    /// The account's owner.
    pub owner: Option<&'a User>,
    /// The account's policy, resolved.
    pub policy: &'a Policy,
    /// The account's sessions on this router that are not settled.
    pub sessions: &'a [&'a Session],
    /// The account's bans.
    pub bans: &'a [Ban],
    /// Another account logged in from the same caller within 24 h.
    pub shared_caller: bool,
    /// How many tunnels of this account are held already.
    pub held: usize,
}

/// Why a tunnel is held or cut without a question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Nobody owns its account.
    Unowned,
    /// Its owner is paused.
    Suspended,
    /// Its owner has no chat to ask in.
    NoChat,
    /// Its account, or it from this caller, is banned.
    Banned,
    /// Too many questions: the cool-down.
    CoolDown,
    /// Another tunnel of the account is open, and policy refuses a second one.
    Second,
    /// It was up before, and policy cuts those.
    FromBefore,
    /// A newer tunnel of the account is asked about instead.
    Superseded,
    /// The account is switched off at the desk.
    Disabled,
    /// The router is only observed, and owners are not asked there.
    NotAsked,
    /// The router's gate does not hold: nothing that was not confirmed stays up.
    GateBroken,
}

impl Why {
    /// In the audit log's words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unowned => "unowned",
            Self::Suspended => "owner suspended",
            Self::NoChat => "owner has no chat",
            Self::Banned => "banned",
            Self::CoolDown => "cool-down",
            Self::Second => "second tunnel refused",
            Self::FromBefore => "from before",
            Self::Superseded => "a newer tunnel is asked about",
            Self::Disabled => "account disabled",
            Self::NotAsked => "not confirmed",
            Self::GateBroken => "the gate does not hold",
        }
    }
}

/// What is done with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It has no address yet: looked at again.
    Wait,
    /// Not our business: exempt, or unowned where policy lets those pass.
    Pass,
    /// It stays up in quarantine.
    Hold(Why),
    /// It is cut.
    Cut(Why),
    /// It belongs to this session: what was requested, or newer than what is asked about.
    Belongs(SessionId),
    /// That session's tunnel is a suspected ghost; this one is judged again when it is gone.
    Ghost(SessionId),
    /// A ghost is still to go.
    AwaitGhost,
    /// It resumes this session without a question.
    Resume(SessionId),
    /// A new session, with this question.
    Ask(ChallengeKind),
    /// A new session, open by policy.
    Open(Confirmed),
}

/// What a judgement brings along.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What is done.
    pub verdict: Verdict,
    /// A cool-down began with this attempt: until then.
    pub cool_down: Option<Timestamp>,
}

impl From<Verdict> for Judgement {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            cool_down: None,
        }
    }
}

/// Judges a tunnel that no session is about.
pub fn judge(arrival: &Arrival<'_>, book: &mut Book) -> Judgement {
    let Arrival {
        tunnel,
        now,
        policy,
        ..
    } = *arrival;
    if tunnel.addresses.is_empty() {
        return Verdict::Wait.into();
    }
    if arrival
        .account
        .is_some_and(|account| account.kind == AccountKind::Exempt)
    {
        return Verdict::Pass.into();
    }
    if arrival.account.is_some_and(|account| account.disabled) {
        return hold(arrival, Why::Disabled).into();
    }
    let Some(owner) = arrival.owner else {
        return unowned(arrival).into();
    };
    if owner.suspended {
        return hold(arrival, Why::Suspended).into();
    }
    if owner.chat.is_none() {
        return hold(arrival, Why::NoChat).into();
    }
    if arrival
        .bans
        .iter()
        .any(|ban| ban.covers(tunnel.caller.as_ref(), now))
    {
        return hold(arrival, Why::Banned).into();
    }
    if let Some(verdict) = known(arrival, book) {
        return verdict;
    }
    if tunnel.up_at() < arrival.router.since {
        return match arrival.router.adopt {
            Adopt::Cut => Verdict::Cut(Why::FromBefore).into(),
            adopt @ (Adopt::Ask | Adopt::Grace { .. }) => Confirmed::by_adoption(adopt, now)
                .map_or_else(
                    || question(arrival, book, ChallengeKind::Adopted),
                    |(confirmed, _)| Verdict::Open(confirmed).into(),
                ),
        };
    }
    let kind = if policy.request_first {
        ChallengeKind::Unrequested
    } else {
        ChallengeKind::Requested
    };
    question(arrival, book, kind)
}

/// What the account's sessions say about it.
fn known(arrival: &Arrival<'_>, book: &mut Book) -> Option<Judgement> {
    let Arrival {
        tunnel,
        now,
        policy,
        sessions,
        ..
    } = *arrival;
    let mut second = None;
    for session in sessions {
        match &session.state {
            SessionState::Requested { .. } | SessionState::Challenged { .. }
                if is_unheld(arrival) =>
            {
                return Some(Verdict::Cut(Why::GateBroken).into());
            }
            SessionState::Requested { .. } => return Some(Verdict::Belongs(session.id).into()),
            // Judged after a newer one that is asked about already, as after a restart.
            SessionState::Challenged { tunnel: asked, .. }
                if tunnel.up_at() + JITTER < asked.up_at() =>
            {
                return Some(hold(arrival, Why::Superseded).into());
            }
            SessionState::Challenged { .. } => {
                return Some(match book.may_ask(now, policy) {
                    MayAsk::Yes => Verdict::Belongs(session.id).into(),
                    MayAsk::NotBefore { until, begins } => cool(arrival, until, begins),
                });
            }
            SessionState::Opening { tunnel: old, .. }
            | SessionState::Active { tunnel: old, .. }
            | SessionState::Expiring { tunnel: old, .. } => {
                if alike(old, tunnel) {
                    return Some(Verdict::Ghost(session.id).into());
                }
                second = Some(old.caller.clone());
            }
            SessionState::Grace {
                tunnel: old,
                gone,
                until,
                access,
            } if alike(old, tunnel) => {
                if !gone {
                    return Some(Verdict::AwaitGhost.into());
                }
                let private = match policy.resume {
                    Resume::Off => false,
                    Resume::PrivateCaller => !arrival.shared_caller,
                    Resume::AnyCaller => true,
                };
                let in_time = now < (*until).min(access.expires_at);
                let is_address = matches!(tunnel.caller, Some(Caller::Ip(_)));
                if private && in_time && is_address && access.resumes < RESUMES {
                    return Some(Verdict::Resume(session.id).into());
                }
            }
            SessionState::Grace { .. } | SessionState::Ended { .. } => {}
        }
    }
    let other = second?;
    Some(match policy.second_tunnel {
        SecondTunnel::Refuse => hold(arrival, Why::Second).into(),
        SecondTunnel::Ask | SecondTunnel::Both => {
            question(arrival, book, ChallengeKind::Second { other })
        }
    })
}

/// Same caller and service: where one of them may be the other's ghost.
fn alike(old: &Tunnel, new: &Tunnel) -> bool {
    old.service == new.service && same_caller(old.caller.as_ref(), new.caller.as_ref())
}

fn question(arrival: &Arrival<'_>, book: &mut Book, kind: ChallengeKind) -> Judgement {
    if let Some(confirmed) = Confirmed::by_policy(arrival.policy, 0) {
        return Verdict::Open(confirmed).into();
    }
    if arrival.router.mode == Mode::Observing && !arrival.router.observe_asks {
        return Verdict::Hold(Why::NotAsked).into();
    }
    // Until it is answered it would have to be held.
    if is_unheld(arrival) {
        return Verdict::Cut(Why::GateBroken).into();
    }
    match book.may_ask(arrival.now, arrival.policy) {
        MayAsk::Yes => Verdict::Ask(kind).into(),
        MayAsk::NotBefore { until, begins } => cool(arrival, until, begins),
    }
}

fn cool(arrival: &Arrival<'_>, until: Timestamp, begins: bool) -> Judgement {
    Judgement {
        verdict: hold(arrival, Why::CoolDown),
        cool_down: begins.then_some(until),
    }
}

fn unowned(arrival: &Arrival<'_>) -> Verdict {
    match arrival.router.unowned {
        Unowned::Cut => Verdict::Cut(Why::Unowned),
        Unowned::Pass if arrival.router.mode == Mode::Observing => Verdict::Pass,
        Unowned::Hold | Unowned::Pass => hold(arrival, Why::Unowned),
    }
}

/// Is the router meant to hold, and does not?
fn is_unheld(arrival: &Arrival<'_>) -> bool {
    arrival.router.gates.address_list
        && arrival.router.mode == Mode::Enforcing
        && !arrival.gate_whole
}

/// Held where the router holds; cut where it does not, and above `max_held`.
fn hold(arrival: &Arrival<'_>, why: Why) -> Verdict {
    let holds = arrival.router.gates.address_list && arrival.gate_whole;
    if holds && arrival.held < usize::from(arrival.policy.max_held) {
        Verdict::Hold(why)
    } else {
        Verdict::Cut(why)
    }
}
