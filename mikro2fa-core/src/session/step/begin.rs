//! How sessions begin.

use std::sync::Arc;

use crate::{
    audit::AuditKind,
    id::{AccountId, RouterId, SessionId, UserId},
    notifier::{Card, Delivery, Remark},
    session::{Challenge, ChallengeKind, Confirmed, Effect, Out, Session, SessionState, Version},
    tunnel::Tunnel,
};

use super::asking::ask;
use super::open::opened_state;
use super::{StepContext, audit, card};

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
        let until = confirmed.adopted_until();
        let state = opened_state(tunnel, confirmed, until, context);
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
