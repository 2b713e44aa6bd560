//! Before anything is open: the request, and the question.

use std::sync::Arc;

use crate::{
    audit::AuditKind,
    id::{ChallengeId, UserId},
    notifier::{Card, Delivery, Question, QuestionKind, Remark},
    session::{
        Answer, Asked, Challenge, ChallengeKind, Confirmed, Effect, EndReason, Event, Out, Reach,
        Rejected, Session, SessionState,
    },
};

use super::open::opened_state;
use super::over::{deny, end, end_gone, note};
use super::{Done, GAP, Ignored, JUST_SENT, SOUNDED, StepContext, audit, card};

pub(super) fn requested(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let SessionState::Requested { until, ready } = &mut session.state else {
        return Err(Ignored::NotNow);
    };
    let now = context.now;
    match event {
        Event::AccountReady if !*ready => {
            *ready = true;
            let until = *until;
            let fresh = now.since(session.opened_at) < JUST_SENT;
            let delivery = if fresh {
                Delivery::Edit
            } else {
                Delivery::Move
            };
            card(out, Card::ConnectNow { until }, delivery);
            Ok(())
        }
        Event::RequestedAgain => {
            *until = now + context.policy.request_window;
            let shown = if *ready {
                Card::ConnectNow { until: *until }
            } else {
                Card::Preparing
            };
            card(out, shown, Delivery::MoveSilently);
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::Router(reach) if !*ready => {
            let shown = match reach {
                Reach::Away => Card::RequestedNoContact { until: *until },
                Reach::Back => Card::Preparing,
            };
            card(out, shown, Delivery::Edit);
            Ok(())
        }
        Event::TunnelUp {
            tunnel,
            kind,
            first_time,
        } => {
            if let Some(confirmed) = Confirmed::by_policy(context.policy, 0) {
                session.state = opened_state(tunnel, confirmed, None, context);
                card(out, Card::Opening, Delivery::Edit);
                out.effects.push(Effect::Look);
                return Ok(());
            }
            let mut challenge =
                Challenge::new(context.fresh.challenge, kind.clone(), now, context.policy);
            challenge.first_time = *first_time;
            challenge.early = !*ready;
            session.state = SessionState::Challenged {
                tunnel: Arc::clone(tunnel),
                challenge,
            };
            ask(session, Remark::None, Delivery::Move, context, out);
            out.effects.push(Effect::Prompted);
            Ok(())
        }
        Event::DeadlineReached if now >= *until => {
            end(session, EndReason::NeverConnected, "", context, out);
            Ok(())
        }
        Event::DeadlineReached => Err(Ignored::Early),
        Event::End { reason, by } => {
            end(session, *reason, note(by), context, out);
            Ok(())
        }
        _ => Err(unasked(session, event)),
    }
}

pub(super) fn challenged(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let owner = session.owner;
    let SessionState::Challenged { tunnel, challenge } = &mut session.state else {
        return Err(Ignored::NotNow);
    };
    let (now, policy) = (context.now, context.policy);
    match event {
        Event::TunnelUp {
            tunnel: newer,
            kind,
            first_time,
        } => {
            let mut next = Challenge::new(context.fresh.challenge, kind.clone(), now, policy);
            next.first_time = *first_time;
            next.others = challenge.others.saturating_add(1);
            next.paused_at = challenge.paused_at.map(|_| now);
            // What nobody has heard yet is not edited: the row that had sounded would be replaced by a silent one.
            let heard = matches!(challenge.asked, Asked::Delivered { .. });
            let quiet = heard && now.since(challenge.sounded_at) < SOUNDED;
            if quiet {
                next.sounded_at = challenge.sounded_at;
            }
            let others = next.others;
            session.state = SessionState::Challenged {
                tunnel: Arc::clone(newer),
                challenge: next,
            };
            let delivery = if quiet {
                Delivery::Edit
            } else {
                Delivery::Move
            };
            ask(session, Remark::Replaced { others }, delivery, context, out);
            out.effects.push(Effect::Prompted);
            Ok(())
        }
        Event::TunnelGone => {
            end_gone(session, context, out);
            Ok(())
        }
        Event::Delivered { challenge: id } if *id == challenge.id => {
            if matches!(challenge.asked, Asked::Delivered { .. }) {
                return Err(Ignored::NotNow);
            }
            challenge.delivered(now, policy);
            Ok(())
        }
        Event::Undeliverable { challenge: id } if *id == challenge.id => {
            end(session, EndReason::Undeliverable, "", context, out);
            Ok(())
        }
        Event::MessengerAway { since } if challenge.paused_at.is_none() => {
            challenge.paused_at = Some((*since).max(challenge.asked_at).min(now));
            Ok(())
        }
        Event::MessengerBack => {
            let gap = challenge.resume(now).ok_or(Ignored::NotNow)?;
            if gap > GAP {
                challenge.sounded_at = now;
                ask(session, Remark::AfterGap, Delivery::Move, context, out);
            }
            Ok(())
        }
        Event::Answered {
            challenge: id,
            answer,
            by,
        } => {
            let confirmed = challenge
                .verify(*id, *by, owner, now)
                .map_err(Ignored::Answer)?;
            let tunnel = Arc::clone(tunnel);
            answered(session, *id, *answer, *by, context, out);
            match answer {
                Answer::Yes => {
                    out.effects.push(Effect::CallerConfirmed {
                        caller: tunnel.caller.clone(),
                    });
                    session.state = opened_state(&tunnel, confirmed, None, context);
                    card(out, Card::Opening, Delivery::Edit);
                    out.effects.push(Effect::Look);
                }
                Answer::No => deny(session, context, out),
            }
            Ok(())
        }
        Event::NotMe { by } => {
            owned(*by, owner)?;
            deny(session, context, out);
            Ok(())
        }
        Event::LetIn { confirmed, until } => {
            let tunnel = Arc::clone(tunnel);
            session.state = opened_state(&tunnel, confirmed.clone(), *until, context);
            card(out, Card::Opening, Delivery::Edit);
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::DeadlineReached => question_due(session, context, out),
        Event::End { reason, by } => {
            end(session, *reason, note(by), context, out);
            Ok(())
        }
        _ => Err(unasked(session, event)),
    }
}

/// A question's time: sent again, given up, or unanswered.
fn question_due(session: &mut Session, context: &StepContext<'_>, out: &mut Out) -> Done {
    let SessionState::Challenged { tunnel, challenge } = &mut session.state else {
        return Err(Ignored::NotNow);
    };
    if challenge.due().is_none_or(|due| context.now < due) {
        return Err(Ignored::Early);
    }
    if challenge.resend(context.now, context.policy) {
        let again = Remark::Again {
            n: challenge.resends,
            max: context.policy.max_resends,
        };
        ask(session, again, Delivery::Move, context, out);
        return Ok(());
    }
    let reason = match (&challenge.asked, &challenge.kind) {
        (Asked::Undelivered { .. }, _) => EndReason::Undeliverable,
        (_, ChallengeKind::Unrequested) => EndReason::Unrequested,
        _ => {
            out.effects.push(Effect::Unanswered {
                caller: tunnel.caller.clone(),
            });
            EndReason::Unanswered
        }
    };
    end(session, reason, "", context, out);
    Ok(())
}

pub(super) fn ask(
    session: &Session,
    remark: Remark,
    delivery: Delivery,
    context: &StepContext<'_>,
    out: &mut Out,
) {
    let SessionState::Challenged { tunnel, challenge } = &session.state else {
        return;
    };
    show_with(session, remark, delivery, context, out);
    let asked = AuditKind::Challenged {
        challenge: challenge.id,
        tunnel: tunnel.key.clone(),
        caller: tunnel.caller.clone(),
    };
    audit(session, context.now, asked, out);
}

/// Shows an open question as it is now, without asking again.
pub(super) fn show(session: &Session, context: &StepContext<'_>, out: &mut Out) {
    show_with(session, Remark::None, Delivery::Edit, context, out);
}

fn show_with(
    session: &Session,
    remark: Remark,
    delivery: Delivery,
    context: &StepContext<'_>,
    out: &mut Out,
) {
    let SessionState::Challenged { tunnel, challenge } = &session.state else {
        return;
    };
    let kind = match &challenge.kind {
        ChallengeKind::Requested => QuestionKind::Requested,
        ChallengeKind::Unrequested => QuestionKind::Unrequested,
        ChallengeKind::Adopted => QuestionKind::Adopted,
        ChallengeKind::Second { other } => QuestionKind::Second {
            other: other.clone(),
        },
    };
    let question = Question {
        challenge: challenge.id,
        kind,
        caller: tunnel.caller.clone(),
        service: tunnel.service,
        at: tunnel.up_at(),
        deadline: challenge.deadline(context.policy),
        first_time: challenge.first_time,
        early: challenge.early,
        remark,
        trial: session.trial,
    };
    card(out, Card::Question(question), delivery);
}

pub(super) fn answered(
    session: &Session,
    challenge: ChallengeId,
    answer: Answer,
    by: UserId,
    context: &StepContext<'_>,
    out: &mut Out,
) {
    audit(
        session,
        context.now,
        AuditKind::Answered {
            challenge,
            answer,
            by,
        },
        out,
    );
}

/// Answers and buttons that came where nothing was asked.
pub(super) fn unasked(session: &Session, event: &Event) -> Ignored {
    match event {
        Event::Answered { by, .. } | Event::NotMe { by } if *by != session.owner => {
            Ignored::Answer(Rejected::NotTheOwner)
        }
        Event::Answered { .. } | Event::NotMe { .. } => Ignored::Answer(Rejected::Stale),
        _ => Ignored::NotNow,
    }
}

pub(super) fn owned(by: UserId, owner: UserId) -> Done {
    if by == owner {
        Ok(())
    } else {
        Err(Ignored::Answer(Rejected::NotTheOwner))
    }
}
