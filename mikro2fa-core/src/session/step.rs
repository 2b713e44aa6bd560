//! The machine: one function per state, in the order of the diagram.
//!
//! `step` is total. An event that makes no sense now is ignored with a reason and changes nothing; every doubt closes
//! access.

use std::{sync::Arc, time::Duration};

use crate::{
    audit::{AuditEntry, AuditKind},
    ban::BanScope,
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    notifier::{Alert, Card, Closing, Delivery, OpenNote, Question, QuestionKind, Remark},
    policy::{Policy, Resume},
    session::{
        Access, Actor, Answer, Challenge, ChallengeKind, Choice, Confirmed, Effect, EndReason,
        Event, Out, Reach, Rejected, Remains, Session, SessionState, Version, same_caller,
    },
    time::Timestamp,
    tunnel::{Same, Text, Tunnel},
};

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

const fn ended_for(state: &SessionState) -> Option<EndReason> {
    match state {
        SessionState::Ended { reason, .. } => Some(*reason),
        _ => None,
    }
}

/// What a new session is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its id.
    pub id: SessionId,
    /// The router.
    pub router: RouterId,
    /// The login.
    pub account: AccountId,
    /// Its owner.
    pub owner: UserId,
    /// Made in observe mode.
    pub trial: bool,
}

impl Opening {
    /// Access was asked for.
    #[must_use]
    pub fn requested(self, context: &StepContext<'_>, out: &mut Out) -> Session {
        let until = context.now + context.policy.request_window;
        let session = self.session(
            context,
            SessionState::Requested {
                until,
                ready: false,
            },
            out,
        );
        card(out, Card::Preparing, Delivery::MoveSilently);
        out.effects.push(Effect::Look);
        session
    }

    /// A tunnel came up that nobody asked for, or that was there before, or beside another.
    #[must_use]
    pub fn challenged(
        self,
        tunnel: &Arc<Tunnel>,
        kind: &ChallengeKind,
        first_time: bool,
        context: &StepContext<'_>,
        out: &mut Out,
    ) -> Session {
        let mut challenge = Challenge::new(
            context.fresh.challenge,
            kind.clone(),
            context.now,
            context.policy,
        );
        challenge.first_time = first_time;
        let tunnel = Arc::clone(tunnel);
        let session = self.session(context, SessionState::Challenged { tunnel, challenge }, out);
        ask(&session, Remark::None, Delivery::Move, context, out);
        out.effects.push(Effect::Prompted);
        session
    }

    /// A tunnel came up, and policy asks for no confirmation.
    #[must_use]
    pub fn confirmed(
        self,
        tunnel: &Arc<Tunnel>,
        confirmed: Confirmed,
        context: &StepContext<'_>,
        out: &mut Out,
    ) -> Session {
        let state = opened_state(tunnel, confirmed, None, context);
        let session = self.session(context, state, out);
        out.effects.push(Effect::Look);
        session
    }

    fn session(self, context: &StepContext<'_>, state: SessionState, out: &mut Out) -> Session {
        let session = Session {
            id: self.id,
            router: self.router,
            account: self.account,
            owner: self.owner,
            version: Version(1),
            opened_at: context.now,
            trial: self.trial,
            state,
        };
        audit(
            &session,
            context.now,
            AuditKind::SessionOpened {
                state: session.state.name(),
            },
            out,
        );
        session
    }
}

// ---- the states, in the order of the diagram --------------------------------------------------

fn requested(
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

fn challenged(
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
            let heard = matches!(challenge.asked, super::Asked::Delivered { .. });
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
            if matches!(challenge.asked, super::Asked::Delivered { .. }) {
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
        (super::Asked::Undelivered { .. }, _) => EndReason::Undeliverable,
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

fn opening(session: &mut Session, event: &Event, context: &StepContext<'_>, out: &mut Out) -> Done {
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

fn active(session: &mut Session, event: &Event, context: &StepContext<'_>, out: &mut Out) -> Done {
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

fn expiring(
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

fn grace(session: &mut Session, event: &Event, context: &StepContext<'_>, out: &mut Out) -> Done {
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

fn ended(session: &mut Session, event: &Event, context: &StepContext<'_>, out: &mut Out) -> Done {
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
                };
                card(out, shown, Delivery::Edit);
            }
            *remains = None;
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
            denied(&tunnel, context, out);
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

// ---- what several states share -----------------------------------------------------------------

/// Answers and buttons that came where nothing was asked.
fn unasked(session: &Session, event: &Event) -> Ignored {
    match event {
        Event::Answered { by, .. } | Event::NotMe { by } if *by != session.owner => {
            Ignored::Answer(Rejected::NotTheOwner)
        }
        Event::Answered { .. } | Event::NotMe { .. } => Ignored::Answer(Rejected::Stale),
        _ => Ignored::NotNow,
    }
}

fn owned(by: UserId, owner: UserId) -> Done {
    if by == owner {
        Ok(())
    } else {
        Err(Ignored::Answer(Rejected::NotTheOwner))
    }
}

fn opened_state(
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
    let most = access.started_at + policy.max_total;
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
    let most = access.started_at + context.policy.max_total;
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

fn ask(
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
    let asked = AuditKind::Challenged {
        challenge: challenge.id,
        tunnel: tunnel.key.clone(),
        caller: tunnel.caller.clone(),
    };
    audit(session, context.now, asked, out);
}

fn answered(
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

/// "Not me": an incident.
fn deny(session: &mut Session, context: &StepContext<'_>, out: &mut Out) {
    let tunnel = match &session.state {
        SessionState::Grace { tunnel, .. } => Some(Arc::clone(tunnel)),
        _ => session.tunnel().map(Arc::clone),
    };
    finish(session, EndReason::Denied, context);
    if let Some(tunnel) = tunnel {
        denied(&tunnel, context, out);
    }
}

fn denied(tunnel: &Tunnel, context: &StepContext<'_>, out: &mut Out) {
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
    }));
    card(
        out,
        Card::Denied {
            caller,
            at,
            closing: Closing::Pending,
        },
        Delivery::Edit,
    );
    out.effects.push(Effect::Look);
}

/// Ends a session whose tunnel is seen gone.
fn end_gone(session: &mut Session, context: &StepContext<'_>, out: &mut Out) {
    end(session, EndReason::TunnelGone, "", context, out);
    if let SessionState::Ended { remains, .. } = &mut session.state {
        *remains = None;
    }
}

/// Ends a session and shows it. What is left of its tunnel is held or cut.
fn end(
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
    let started_at = session.access().map(|access| access.started_at);
    let remains = session.tunnel().map(|tunnel| Remains {
        tunnel: Arc::clone(tunnel),
        hold_until: (!reason.cuts()).then(|| context.now + context.policy.hold_for),
    });
    session.state = SessionState::Ended {
        reason,
        at: context.now,
        started_at,
        remains,
    };
}

fn card(out: &mut Out, card: Card, delivery: Delivery) {
    out.effects.push(Effect::Card(card, delivery));
}

fn note(by: &Actor) -> &str {
    match by {
        Actor::Operator { reason, .. } => reason,
        _ => "",
    }
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
