//! While something is open, is being opened, or was a moment ago.

use std::{sync::Arc, time::Duration};

use crate::{
    audit::AuditKind,
    id::{OfferId, UserId},
    notifier::{Alert, Card, Delivery, OpenNote},
    policy::{Policy, Resume},
    session::{
        Access, Actor, Answer, Choice, Confirmed, Effect, EndReason, Event, Out, Reach, Rejected,
        Session, SessionState, same_caller,
    },
    time::Timestamp,
    tunnel::{Same, Text, Tunnel},
};

use super::asking::{answered, owned};
use super::over::{deny, end, end_gone, note};
use super::{Done, Ignored, RESUMES, SECOND_THOUGHT, StepContext, audit, card};

pub(super) fn opening(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let SessionState::Opening {
        tunnel,
        access,
        give_up_at,
        resumed,
        ..
    } = &mut session.state
    else {
        return Err(Ignored::NotNow);
    };
    let (now, policy) = (context.now, context.policy);
    match event {
        Event::Opened if now < access.expires_at => {
            let remind_at = remind_at(now, access.expires_at, policy);
            let until = access.expires_at;
            let shown = if *resumed {
                Card::Resumed {
                    caller: tunnel.caller.clone(),
                    at: now,
                    until,
                }
            } else {
                open_card(tunnel, access, lets_in_note(access))
            };
            let delivery = if *resumed {
                Delivery::MoveSilently
            } else {
                Delivery::Edit
            };
            card(out, shown, delivery);
            session.state = SessionState::Active {
                tunnel: Arc::clone(tunnel),
                access: access.clone(),
                remind_at,
                offer: None,
            };
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::Opened => {
            end(session, EndReason::Expired, "", context, out);
            Ok(())
        }
        Event::Refused { why } => {
            out.effects.push(Effect::Alert(Alert::NotOpened {
                why: Arc::clone(why),
            }));
            end(session, EndReason::NotOpened, "", context, out);
            Ok(())
        }
        Event::TunnelGone => {
            end_gone(session, context, out);
            Ok(())
        }
        Event::GhostSuspected => {
            end(session, EndReason::TunnelGone, "", context, out);
            Ok(())
        }
        Event::Router(Reach::Away) if give_up_at.is_some() => {
            *give_up_at = None;
            card(out, Card::OpeningNoContact, Delivery::Edit);
            Ok(())
        }
        Event::Router(Reach::Back) if give_up_at.is_none() => {
            *give_up_at = Some(now + policy.opening_timeout);
            card(out, Card::Opening, Delivery::Edit);
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::DeadlineReached if now >= access.expires_at => {
            end(session, EndReason::Expired, "", context, out);
            Ok(())
        }
        Event::DeadlineReached if give_up_at.is_some_and(|at| now >= at) => {
            let why: Text = "the permit was not seen on the router in time".into();
            out.effects.push(Effect::Alert(Alert::NotOpened { why }));
            end(session, EndReason::NotOpened, "", context, out);
            Ok(())
        }
        _ => confirmed_state(session, event, context, out),
    }
}

pub(super) fn active(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let owner = session.owner;
    let SessionState::Active {
        tunnel,
        access,
        remind_at,
        offer,
    } = &mut session.state
    else {
        return Err(Ignored::NotNow);
    };
    let (now, policy) = (context.now, context.policy);
    match event {
        Event::DeadlineReached if now < access.expires_at => {
            if remind_at.is_none_or(|at| now < at) {
                return Err(Ignored::Early);
            }
            let fresh = context.fresh.offer;
            remind(access, fresh, policy, out);
            session.state = SessionState::Expiring {
                tunnel: Arc::clone(tunnel),
                access: access.clone(),
                offer: fresh,
            };
            Ok(())
        }
        Event::CardWanted => {
            let note = match lets_in_note(access) {
                OpenNote::None => OpenNote::Left,
                note => note,
            };
            card(out, open_card(tunnel, access, note), Delivery::Edit);
            Ok(())
        }
        Event::OfferWanted => {
            let fresh = context.fresh.offer;
            *offer = Some(fresh);
            remind(access, fresh, policy, out);
            Ok(())
        }
        Event::Extended {
            offer: used,
            minutes,
            by,
        } => {
            let usable = *offer;
            let until = extend(access, usable, *used, *minutes, by, owner, context)?;
            access.expires_at = until;
            *remind_at = self::remind_at(now, until, policy);
            *offer = None;
            let shown = open_card(tunnel, access, OpenNote::Extended { minutes: *minutes });
            extended(session, *minutes, until, by, shown, context, out);
            Ok(())
        }
        Event::TunnelGone | Event::GhostSuspected => {
            let gone = matches!(event, Event::TunnelGone);
            let resumable = policy.resume != Resume::Off
                && !policy.reconnect_grace.is_zero()
                && access.resumes < RESUMES;
            if !resumable && gone {
                end_gone(session, context, out);
                return Ok(());
            }
            if !resumable {
                end(session, EndReason::Replaced, "", context, out);
                return Ok(());
            }
            let until = (now + policy.reconnect_grace).min(access.expires_at);
            session.state = SessionState::Grace {
                tunnel: Arc::clone(tunnel),
                access: access.clone(),
                until,
                gone,
            };
            card(out, Card::Grace { until }, Delivery::Edit);
            out.effects.push(Effect::Look);
            Ok(())
        }
        _ => confirmed_state(session, event, context, out),
    }
}

pub(super) fn expiring(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let owner = session.owner;
    let SessionState::Expiring {
        tunnel,
        access,
        offer,
    } = &mut session.state
    else {
        return Err(Ignored::NotNow);
    };
    match event {
        Event::DeadlineReached if context.now < access.expires_at => Err(Ignored::Early),
        Event::OfferWanted => {
            *offer = context.fresh.offer;
            remind(access, context.fresh.offer, context.policy, out);
            Ok(())
        }
        Event::Extended {
            offer: used,
            minutes,
            by,
        } => {
            let until = extend(access, Some(*offer), *used, *minutes, by, owner, context)?;
            access.expires_at = until;
            let shown = open_card(tunnel, access, OpenNote::Extended { minutes: *minutes });
            session.state = SessionState::Active {
                tunnel: Arc::clone(tunnel),
                access: access.clone(),
                remind_at: remind_at(context.now, until, context.policy),
                offer: None,
            };
            extended(session, *minutes, until, by, shown, context, out);
            Ok(())
        }
        Event::TunnelGone => {
            end_gone(session, context, out);
            Ok(())
        }
        Event::GhostSuspected => {
            end(session, EndReason::Replaced, "", context, out);
            Ok(())
        }
        _ => confirmed_state(session, event, context, out),
    }
}

pub(super) fn grace(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let SessionState::Grace {
        tunnel,
        access,
        until,
        gone,
    } = &mut session.state
    else {
        return Err(Ignored::NotNow);
    };
    let now = context.now;
    match event {
        Event::TunnelGone if !*gone => {
            *gone = true;
            Ok(())
        }
        Event::Resumed { tunnel: newer } => {
            let fits = *gone
                && now < (*until).min(access.expires_at)
                && access.resumes < RESUMES
                && context.policy.resume != Resume::Off
                && tunnel.account == newer.account
                && tunnel.service == newer.service
                && matches!(newer.caller, Some(crate::tunnel::Caller::Ip(_)))
                && same_caller(tunnel.caller.as_ref(), newer.caller.as_ref())
                && tunnel.same_as(newer) != Same::Yes;
            if !fits {
                return Err(Ignored::NotNow);
            }
            let mut access = access.clone();
            access.resumes = access.resumes.saturating_add(1);
            session.state = SessionState::Opening {
                tunnel: Arc::clone(newer),
                access,
                since: now,
                give_up_at: Some(now + context.policy.opening_timeout),
                resumed: true,
            };
            out.effects.push(Effect::Look);
            Ok(())
        }
        Event::DeadlineReached if now >= access.expires_at => {
            end(session, EndReason::Expired, "", context, out);
            Ok(())
        }
        Event::DeadlineReached if now >= *until => {
            end(session, EndReason::TunnelGone, "", context, out);
            Ok(())
        }
        Event::DeadlineReached => Err(Ignored::Early),
        Event::PermitTaken => Err(Ignored::NotNow),
        _ => confirmed_state(session, event, context, out),
    }
}

/// What all confirmed states do alike.
fn confirmed_state(
    session: &mut Session,
    event: &Event,
    context: &StepContext<'_>,
    out: &mut Out,
) -> Done {
    let owner = session.owner;
    let Some(access) = session.access() else {
        return Err(Ignored::NotNow);
    };
    match event {
        Event::Answered {
            challenge,
            answer,
            by,
        } => {
            owned(*by, owner)?;
            if access.confirmed.challenge() != Some(*challenge) {
                return Err(Ignored::Answer(Rejected::Stale));
            }
            if *answer == Answer::Yes {
                return Err(Ignored::Answer(Rejected::Already));
            }
            if context.now.since(access.started_at) > SECOND_THOUGHT {
                return Err(Ignored::Answer(Rejected::Already));
            }
            answered(session, *challenge, *answer, *by, context, out);
            deny(session, context, out);
            Ok(())
        }
        Event::NotMe { by } => {
            owned(*by, owner)?;
            deny(session, context, out);
            Ok(())
        }
        Event::PermitTaken => {
            let what: Text = "a permit was taken off the permit list by hand".into();
            out.effects
                .push(Effect::Alert(Alert::DriftRespected { what }));
            end(session, EndReason::DisabledOnRouter, "", context, out);
            Ok(())
        }
        Event::DeadlineReached if context.now >= access.expires_at => {
            end(session, EndReason::Expired, "", context, out);
            Ok(())
        }
        Event::DeadlineReached => Err(Ignored::Early),
        Event::Router(reach) => {
            let (SessionState::Active { tunnel, access, .. }
            | SessionState::Expiring { tunnel, access, .. }) = &session.state
            else {
                return Err(Ignored::NotNow);
            };
            if matches!(session.state, SessionState::Active { .. }) {
                let note = match reach {
                    Reach::Away => OpenNote::NoContact,
                    Reach::Back => lets_in_note(access),
                };
                card(out, open_card(tunnel, access, note), Delivery::Edit);
                return Ok(());
            }
            Err(Ignored::NotNow)
        }
        Event::End { reason, by } => {
            end(session, *reason, note(by), context, out);
            Ok(())
        }
        _ => Err(Ignored::NotNow),
    }
}

pub(super) fn opened_state(
    tunnel: &Arc<Tunnel>,
    confirmed: Confirmed,
    until: Option<Timestamp>,
    context: &StepContext<'_>,
) -> SessionState {
    let (now, policy) = (context.now, context.policy);
    let most = now + policy.max_total;
    let expires_at = until.unwrap_or(now + policy.session_duration).min(most);
    SessionState::Opening {
        tunnel: Arc::clone(tunnel),
        access: Access {
            confirmed,
            started_at: now,
            expires_at,
            resumes: 0,
        },
        since: now,
        give_up_at: Some(now + policy.opening_timeout),
        resumed: false,
    }
}

/// When the reminder is due: so long before the end, or at half time of what is short.
fn remind_at(now: Timestamp, expires_at: Timestamp, policy: &Policy) -> Option<Timestamp> {
    let left = expires_at.since(now);
    if left.is_zero() || policy.reminder_before.is_zero() {
        return None;
    }
    let before = policy.reminder_before.min(left / 2);
    Some(expires_at - before)
}

fn remind(access: &Access, offer: OfferId, policy: &Policy, out: &mut Out) {
    // What nobody has confirmed is not extended: it is asked about when it is dialled again.
    let most = access
        .confirmed
        .adopted_until()
        .unwrap_or(access.started_at + policy.max_total);
    let choices = policy
        .extensions
        .iter()
        .map(|&minutes| {
            let added = Duration::from_secs(u64::from(minutes) * 60);
            Choice {
                minutes,
                until: access.expires_at + added,
            }
        })
        .filter(|choice| choice.until <= most)
        .collect();
    card(
        out,
        Card::Reminder {
            until: access.expires_at,
            offer,
            choices,
        },
        Delivery::Move,
    );
}

/// The new end, if this extension may be had.
fn extend(
    access: &Access,
    usable: Option<OfferId>,
    used: Option<OfferId>,
    minutes: u32,
    by: &Actor,
    owner: UserId,
    context: &StepContext<'_>,
) -> Result<Timestamp, Ignored> {
    match by {
        Actor::Owner { user } => {
            owned(*user, owner)?;
            if used.is_none() || used != usable {
                return Err(Ignored::OfferUsed);
            }
            if !context.policy.extensions.contains(&minutes) {
                return Err(Ignored::OfferUsed);
            }
        }
        Actor::Operator { .. } => {}
        Actor::Router | Actor::Policy => return Err(Ignored::NotNow),
    }
    if context.now >= access.expires_at || minutes == 0 {
        return Err(Ignored::NotNow);
    }
    let most = match (access.confirmed.adopted_until(), by) {
        (Some(until), Actor::Owner { .. }) => until,
        _ => access.started_at + context.policy.max_total,
    };
    let until = access.expires_at + Duration::from_secs(u64::from(minutes) * 60);
    if until > most {
        return Err(Ignored::OverLimit { until: most });
    }
    Ok(until)
}

fn extended(
    session: &Session,
    minutes: u32,
    until: Timestamp,
    by: &Actor,
    shown: Card,
    context: &StepContext<'_>,
    out: &mut Out,
) {
    card(out, shown, Delivery::Edit);
    audit(
        session,
        context.now,
        AuditKind::Extended {
            minutes,
            until,
            actor: by.clone(),
        },
        out,
    );
    out.effects.push(Effect::Look);
}

fn lets_in_note(access: &Access) -> OpenNote {
    access
        .confirmed
        .operator()
        .map_or(OpenNote::None, |(who, reason)| OpenNote::LetIn {
            operator: Arc::clone(who),
            reason: Arc::clone(reason),
        })
}

fn open_card(tunnel: &Tunnel, access: &Access, note: OpenNote) -> Card {
    let not_me_until = access.started_at + SECOND_THOUGHT;
    Card::Open {
        until: access.expires_at,
        caller: tunnel.caller.clone(),
        since: access.started_at,
        note,
        not_me_until: Some(not_me_until),
    }
}
