//! The life line of the session that something last happened to.

use std::time::Instant;

use mikro2fa_core::{
    session::{Asked, EndReason, Session, SessionState as State},
    time::Timestamp,
};

use super::is_open;
use crate::demo::page::{Life, Moment, SessionState, Step, StepKind};

/// What happened to one session, as far as it is drawn.
#[derive(Default)]
pub(super) struct LifeLine {
    session: Option<Session>,
    steps: Vec<Step>,
}

impl LifeLine {
    /// A session became this, durably.
    pub(super) fn became(
        &mut self,
        new: &Session,
        now: Timestamp,
        dialled: Instant,
        tapped: Instant,
    ) {
        let old = self.session.take().filter(|old| old.id == new.id);
        if old.is_none() {
            self.steps.clear();
        }
        let micros = |since: Instant| u64::try_from(since.elapsed().as_micros()).ok();
        for kind in happened(old.as_ref(), new) {
            let took_us = match kind {
                StepKind::Asked => micros(dialled),
                StepKind::Opened => micros(tapped),
                _ => None,
            };
            self.steps.push(Step {
                at: now.millis(),
                what: kind,
                took_us,
            });
        }
        self.session = Some(new.clone());
    }

    /// When something is due.
    pub(super) fn moment(&self, moment: Moment) -> Option<i64> {
        let life = self.shown("", "")?;
        match moment {
            Moment::Deadline => life.answer_by,
            Moment::Reminder => life.remind_at,
            Moment::End => life.ends_at,
        }
    }

    /// Whose account it is about.
    pub(super) fn account(&self) -> Option<mikro2fa_core::id::AccountId> {
        self.session.as_ref().map(|session| session.account)
    }

    /// The state of the session about this tunnel, if it is this line's.
    pub(super) fn state_of(&self, active_id: &str) -> Option<SessionState> {
        let session = self.session.as_ref()?;
        let tunnel = session.tunnel()?;
        (tunnel.key.handle.ends_with(active_id) && !session.is_ended()).then(|| name(session))
    }

    pub(super) fn shown(&self, person: &str, account: &str) -> Option<Life> {
        let session = self.session.as_ref()?;
        let answer_by = match &session.state {
            State::Challenged { challenge, .. } => match challenge.asked {
                Asked::Delivered { until, .. } => Some(until.millis()),
                Asked::Undelivered { .. } => None,
            },
            _ => None,
        };
        let remind_at = match &session.state {
            State::Active { remind_at, .. } => remind_at.map(Timestamp::millis),
            _ => None,
        };
        let reason = match &session.state {
            State::Ended { reason, .. } => Some(reason.name().to_owned()),
            _ => None,
        };
        Some(Life {
            person: person.to_owned(),
            account: account.to_owned(),
            state: name(session),
            reason,
            steps: self.steps.clone(),
            answer_by,
            remind_at,
            ends_at: session.access().map(|access| access.expires_at.millis()),
        })
    }
}

fn happened(old: Option<&Session>, new: &Session) -> Vec<StepKind> {
    let before = old.map(|old| &old.state);
    match (before, &new.state) {
        (None, State::Requested { .. }) => vec![StepKind::Requested],
        (None | Some(State::Requested { .. }), State::Challenged { .. }) => vec![StepKind::Up],
        (Some(State::Challenged { challenge: old, .. }), State::Challenged { challenge, .. }) => {
            let delivered = |asked: &Asked| matches!(asked, Asked::Delivered { .. });
            match (delivered(&old.asked), delivered(&challenge.asked)) {
                (false, true) => vec![StepKind::Asked],
                _ => Vec::new(),
            }
        }
        (Some(State::Challenged { .. }), State::Opening { .. }) => vec![StepKind::Confirmed],
        (Some(State::Opening { .. }), State::Active { .. }) => vec![StepKind::Opened],
        (Some(State::Active { .. }), State::Expiring { .. }) => vec![StepKind::Reminded],
        (Some(State::Expiring { .. }), State::Active { .. }) => vec![StepKind::Extended],
        (Some(State::Active { .. }), State::Grace { .. }) => {
            vec![StepKind::Closed, StepKind::Dropped]
        }
        (Some(State::Ended { .. }), State::Ended { .. }) => Vec::new(),
        (before, State::Ended { reason, .. }) => {
            let mut steps = Vec::new();
            if *reason == EndReason::Denied {
                steps.push(StepKind::Denied);
            }
            if old.is_some_and(is_open) || matches!(before, Some(State::Opening { .. })) {
                steps.push(StepKind::Closed);
            }
            steps.push(StepKind::Ended);
            steps
        }
        _ => Vec::new(),
    }
}

fn name(session: &Session) -> SessionState {
    match session.state {
        State::Requested { .. } => SessionState::Requested,
        State::Challenged { .. } => SessionState::Challenged,
        State::Opening { .. } => SessionState::Opening,
        State::Active { .. } => SessionState::Active,
        State::Expiring { .. } => SessionState::Expiring,
        State::Grace { .. } => SessionState::Grace,
        State::Ended { .. } => SessionState::Ended,
    }
}
