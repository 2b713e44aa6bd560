//! How sessions end, and what is left of them.

use std::sync::Arc;

use crate::{
    ban::BanScope,
    notifier::{Alert, Card, Closing, Delivery},
    session::{
        Actor, Answer, ChallengeKind, Effect, EndReason, Event, Out, Reach, Remains, Session,
        SessionState,
    },
    tunnel::Tunnel,
};

use super::asking::{owned, unasked};
use super::{Done, Ignored, StepContext, card};

pub(super) fn ended(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let trial = session.trial;
    let SessionState::Ended {
        reason, remains, ..
    } = &mut session.state
    else {
        return Err(Ignored::NotNow);
    };
    let Some(left) = remains else {
        return Err(unasked(session, event));
    };
    match event {
        Event::TunnelGone => {
            if *reason == EndReason::Denied {
                let shown = Card::Denied {
                    caller: left.tunnel.caller.clone(),
                    at: left.tunnel.up_at(),
                    closing: Closing::Done,
                    trial,
                };
                card(out, shown, Delivery::Edit);
            }
            *remains = None;
            Ok(())
        }
        Event::Router(reach) if *reason == EndReason::Denied => {
            let shown = Card::Denied {
                caller: left.tunnel.caller.clone(),
                at: left.tunnel.up_at(),
                closing: match reach {
                    Reach::Away => Closing::NoContact,
                    Reach::Back => Closing::Pending,
                },
                trial,
            };
            card(out, shown, Delivery::Edit);
            Ok(())
        }
        Event::DeadlineReached if left.hold_until.is_some_and(|at| context.now >= at) => {
            left.hold_until = None;
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::DeadlineReached => Err(Ignored::Early),
        Event::NotMe { by }
        | Event::Answered {
            answer: Answer::No,
            by,
            ..
        } if left.hold_until.is_some() => {
            owned(*by, session.owner)?;
            left.hold_until = None;
            let tunnel = Arc::clone(&left.tunnel);
            *reason = EndReason::Denied;
            denied(&tunnel, trial, context, out);
            Ok(())
        }
        Event::Released if left.hold_until.is_some() => {
            *remains = None;
            Ok(())
        }
        Event::End { .. } if left.hold_until.is_some() => {
            left.hold_until = None;
            out.effects.push(Effect::Look);
            Ok(())
        }
        _ => Err(unasked(session, event)),
    }
}

/// "Not me": an incident.
pub(super) fn deny(session: &mut Session, context: &StepContext<'_>, out: &mut Out) {
    let tunnel = match &session.state {
        SessionState::Grace { tunnel, .. } => Some(Arc::clone(tunnel)),
        _ => session.tunnel().map(Arc::clone),
    };
    finish(session, EndReason::Denied, context);
    if let Some(tunnel) = tunnel {
        denied(&tunnel, session.trial, context, out);
    }
}

fn denied(tunnel: &Tunnel, trial: bool, context: &StepContext<'_>, out: &mut Out) {
    let (caller, at) = (tunnel.caller.clone(), tunnel.up_at());
    out.effects.push(Effect::Ban {
        scope: BanScope::Account,
        note: "not me".into(),
    });
    out.effects.push(Effect::Alert(Alert::Denied {
        caller: caller.clone(),
        service: Some(tunnel.service),
        at,
        answered: context.now,
        last: None,
        others: Vec::new(),
    }));
    card(
        out,
        Card::Denied {
            caller,
            at,
            closing: Closing::Pending,
            trial,
        },
        Delivery::Edit,
    );
    out.effects.push(Effect::Look);
}

/// Ends a session whose tunnel is seen gone.
pub(super) fn end_gone(session: &mut Session, context: &StepContext<'_>, out: &mut Out) {
    end(session, EndReason::TunnelGone, "", context, out);
    if let SessionState::Ended { remains, .. } = &mut session.state {
        *remains = None;
    }
}

/// Ends a session and shows it. What is left of its tunnel is held or cut.
pub(super) fn end(
    session: &mut Session,
    reason: EndReason,
    note: &str,
    context: &StepContext<'_>,
    out: &mut Out,
) {
    let caller = session.tunnel().and_then(|tunnel| tunnel.caller.clone());
    finish(session, reason, context);
    let SessionState::Ended {
        started_at,
        remains,
        ..
    } = &session.state
    else {
        return;
    };
    let shown = Card::Ended {
        reason,
        note: note.into(),
        since: *started_at,
        at: context.now,
        caller,
        held: remains
            .as_ref()
            .is_some_and(|left| left.hold_until.is_some()),
        trial: session.trial,
    };
    let sounds = matches!(
        reason,
        EndReason::EndedByOperator
            | EndReason::NotOpened
            | EndReason::UserSuspended
            | EndReason::AccountUnlinked
            | EndReason::AccountGone
            | EndReason::DisabledOnRouter
            | EndReason::ShutByRouter
            | EndReason::RouterRemoved
    );
    card(
        out,
        shown,
        if sounds {
            Delivery::Move
        } else {
            Delivery::Edit
        },
    );
    out.effects.push(Effect::Look);
}

fn finish(session: &mut Session, reason: EndReason, context: &StepContext<'_>) {
    // What never opened has not begun.
    let started_at = match &session.state {
        SessionState::Opening { resumed: false, .. } => None,
        _ => session.access().map(|access| access.started_at),
    };
    // One that nobody requested is held from when it was asked about: its question is open for as long as that.
    let held_since = match &session.state {
        SessionState::Challenged { challenge, .. }
            if matches!(challenge.kind, ChallengeKind::Unrequested) =>
        {
            challenge.asked_at.min(context.now)
        }
        _ => context.now,
    };
    let hold_until = held_since + context.policy.hold_for;
    let remains = session.tunnel().map(|tunnel| Remains {
        tunnel: Arc::clone(tunnel),
        hold_until: (!reason.cuts() && hold_until > context.now).then_some(hold_until),
    });
    session.state = SessionState::Ended {
        reason,
        at: context.now,
        started_at,
        remains,
    };
}

pub(super) fn note(by: &Actor) -> &str {
    match by {
        Actor::Operator { reason, .. } => reason,
        _ => "",
    }
}
