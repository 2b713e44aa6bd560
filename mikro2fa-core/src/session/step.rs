//! The machine: one function per state, in the order of the diagram.
//!
//! `step` is total. An event that makes no sense now is ignored with a reason and changes nothing; every doubt closes
//! access.

mod asking;
mod begin;
mod open;
mod over;

use std::{sync::Arc, time::Duration};

use self::asking::{challenged, requested};
use self::open::{active, expiring, grace, opening};
use self::over::ended;
use crate::{
    audit::{AuditEntry, AuditKind},
    id::{ChallengeId, OfferId},
    notifier::{Card, Delivery},
    policy::Policy,
    session::{Actor, Effect, EndReason, Event, Out, Rejected, Session, SessionState},
    time::Timestamp,
};

pub use begin::Opening;

/// A *not me* this soon after a *yes* still ends the session.
const SECOND_THOUGHT: Duration = Duration::from_secs(60);
/// After a longer gap in which no answer could reach us the question is put again: Telegram drops a tap that was not
/// fetched within 150 s (tdlib/telegram-bot-api, `Client.cpp`, `add_update_callback_query`).
const GAP: Duration = Duration::from_secs(120);
/// A question that sounded this recently is edited, not sent anew.
const SOUNDED: Duration = Duration::from_secs(60);
/// A card that was sent this recently is edited when it becomes ready.
const JUST_SENT: Duration = Duration::from_secs(5);
/// So many resumes in a row need no question.
pub(crate) const RESUMES: u8 = 3;

/// Ids drawn beforehand, so that a step needs no chance of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// For a question that this step may put.
    pub challenge: ChallengeId,
    /// For extension buttons that it may show.
    pub offer: OfferId,
}

/// What a step goes by.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// Now.
    pub now: Timestamp,
    /// The session's policy, resolved.
    pub policy: &'a Policy,
    /// Fresh ids.
    pub fresh: Fresh,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ignored {
    /// It makes no sense in this state.
    NotNow,
    /// The deadline is not reached.
    Early,
    /// The answer does not count.
    Answer(Rejected),
    /// These buttons were used, or replaced.
    OfferUsed,
    /// The session would last too long.
    OverLimit {
        /// Until when at most.
        until: Timestamp,
    },
}

/// What an event did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Something changed.
    Stepped,
    /// Nothing did.
    Ignored(Ignored),
}

/// What every handler gives back: stepped, or why not.
type Done = Result<(), Ignored>;

/// Advances one session by one event. No clock, no randomness, no I/O; never fails, never panics.
pub fn step(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Outcome {
    if let Event::End {
        by: Actor::Owner { user },
        ..
    } = event
        && *user != session.owner
    {
        return Outcome::Ignored(Ignored::Answer(Rejected::NotTheOwner));
    }
    if let Event::ModeChanged { trial } = event {
        return match mode_changed(session, *trial, context, out) {
            Ok(()) => Outcome::Stepped,
            Err(ignored) => Outcome::Ignored(ignored),
        };
    }
    let from = session.state.name();
    let ended_for = ended_for(&session.state);
    let result = match &session.state {
        SessionState::Requested { .. } => requested(session, event, context, out),
        SessionState::Challenged { .. } => challenged(session, event, context, out),
        SessionState::Opening { .. } => opening(session, event, context, out),
        SessionState::Active { .. } => active(session, event, context, out),
        SessionState::Expiring { .. } => expiring(session, event, context, out),
        SessionState::Grace { .. } => grace(session, event, context, out),
        SessionState::Ended { .. } => ended(session, event, context, out),
    };
    match result {
        Ok(()) => {
            let to = session.state.name();
            if let SessionState::Ended { reason, .. } = &session.state {
                // "Not me" about a held tunnel changes why its session ended.
                if ended_for != Some(*reason) {
                    let ended = AuditKind::Ended {
                        reason: *reason,
                        actor: actor(event),
                        trial: session.trial,
                    };
                    audit(session, context.now, ended, out);
                }
            } else if from != to {
                let transition = AuditKind::Transition {
                    from,
                    to,
                    actor: actor(event),
                };
                audit(session, context.now, transition, out);
            }
            Outcome::Stepped
        }
        Err(ignored) => Outcome::Ignored(ignored),
    }
}

/// From observing to enforcing, or back. An open question says at once what an answer does; what was concluded while
/// nothing was held is judged anew.
fn mode_changed(
    session: &mut Session,
    trial: bool,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    if session.trial == trial {
        return Err(Ignored::NotNow);
    }
    session.trial = trial;
    match &mut session.state {
        SessionState::Challenged { .. } => asking::show(session, context, out),
        SessionState::Ended { remains, .. } if !trial => *remains = None,
        _ => {}
    }
    audit(session, context.now, AuditKind::ModeChanged { trial }, out);
    out.effects.push(Effect::Look);
    Ok(())
}

const fn ended_for(state: &SessionState) -> Option<EndReason> {
    match state {
        SessionState::Ended { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn card(out: &mut Out, card: Card, delivery: Delivery) {
    out.effects.push(Effect::Card(card, delivery));
}

fn actor(event: &Event) -> Actor {
    match event {
        Event::Answered { by, .. } | Event::NotMe { by } => Actor::Owner { user: *by },
        Event::Extended { by, .. } | Event::End { by, .. } => by.clone(),
        Event::LetIn { confirmed, .. } => {
            confirmed
                .operator()
                .map_or(Actor::Policy, |(who, reason)| Actor::Operator {
                    who: Arc::clone(who),
                    reason: Arc::clone(reason),
                })
        }
        Event::TunnelUp { .. }
        | Event::TunnelGone
        | Event::GhostSuspected
        | Event::Resumed { .. }
        | Event::PermitTaken
        | Event::Opened
        | Event::Refused { .. } => Actor::Router,
        _ => Actor::Policy,
    }
}

fn audit(session: &Session, at: Timestamp, what: AuditKind, out: &mut Out) {
    out.audit.push(AuditEntry {
        at,
        session: Some(session.id),
        router: Some(session.router),
        account: Some(session.account),
        what,
    });
}
