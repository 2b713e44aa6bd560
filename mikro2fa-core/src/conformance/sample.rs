//! Records to test with: small, all different, and the same in each run.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use crate::{
    audit::{AuditEntry, AuditKind},
    ban::{Ban, BanScope},
    id::{
        AccountId, BanId, ChallengeId, CommitId, NodeId, OfferId, OutboxId, RouterId, SessionId,
        UserId,
    },
    notifier::{Alert, Card, Delivery, Inform, Notice, Question, QuestionKind, Remark, Subject},
    policy::Policy,
    session::{
        Access, Actor, Challenge, ChallengeKind, Confirmed, EndReason, Remains, Session,
        SessionState, Version,
    },
    store::{Lane, OutboxRow, Priority},
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};

/// When all cases begin.
pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// Makes ids that grow, as those of version 7 do.
#[derive(Debug, Default)]
pub(super) struct Ids(AtomicU64);

impl Ids {
    /// The next UUID.
    pub(super) fn next(&self) -> Uuid {
        let number = 1 + self.0.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(0x018b_cfe5_6800_7000_9000_0000_0000_0000 + u128::from(number))
    }

    pub(super) fn session(&self) -> SessionId {
        SessionId::from_uuid(self.next())
    }

    pub(super) fn commit(&self) -> CommitId {
        CommitId::from_uuid(self.next())
    }

    pub(super) fn outbox(&self) -> OutboxId {
        OutboxId::from_uuid(self.next())
    }

    pub(super) fn node(&self) -> NodeId {
        NodeId::from_uuid(self.next())
    }

    pub(super) fn challenge(&self) -> ChallengeId {
        ChallengeId::from_uuid(self.next())
    }

    pub(super) fn ban(&self) -> BanId {
        BanId::from_uuid(self.next())
    }
}

/// Whose session it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    pub(super) router: RouterId,
    pub(super) account: AccountId,
    pub(super) owner: UserId,
}

/// A new session that waits for its tunnel.
pub(super) fn requested(id: SessionId, whose: Whose) -> Session {
    Session {
        id,
        router: whose.router,
        account: whose.account,
        owner: whose.owner,
        version: Version(1),
        opened_at: NOW,
        trial: false,
        state: SessionState::Requested {
            until: NOW + HOUR,
            ready: true,
        },
    }
}

/// The same session, a version later, in another state.
pub(super) fn next(session: &Session, state: SessionState) -> Session {
    Session {
        version: Version(session.version.0 + 1),
        state,
        ..session.clone()
    }
}

/// Over, with nothing left.
pub(super) const fn over() -> SessionState {
    SessionState::Ended {
        reason: EndReason::NeverConnected,
        at: NOW,
        started_at: None,
        remains: None,
    }
}

/// One state of each kind, with all that it can hold.
pub(super) fn every_state(ids: &Ids, whose: Whose) -> Vec<SessionState> {
    let tunnel = Arc::new(tunnel(whose.router));
    let access = Access {
        confirmed: Confirmed::by_operator("Olga".into(), "on the phone".into()),
        started_at: NOW,
        expires_at: NOW + 8 * HOUR,
        resumes: 2,
    };
    let challenge = Challenge::new(
        ids.challenge(),
        ChallengeKind::Second {
            other: Some(Caller::parse("198.51.100.9")),
        },
        NOW,
        &Policy::default(),
    );
    let offer = OfferId::from_uuid(ids.next());
    vec![
        SessionState::Requested {
            until: NOW + MINUTE,
            ready: false,
        },
        SessionState::Challenged {
            tunnel: tunnel.clone(),
            challenge,
        },
        SessionState::Opening {
            tunnel: tunnel.clone(),
            access: access.clone(),
            since: NOW,
            give_up_at: Some(NOW + MINUTE),
            resumed: true,
        },
        SessionState::Active {
            tunnel: tunnel.clone(),
            access: access.clone(),
            remind_at: Some(NOW + HOUR),
            offer: Some(offer),
        },
        SessionState::Expiring {
            tunnel: tunnel.clone(),
            access: access.clone(),
            offer,
        },
        SessionState::Grace {
            tunnel: tunnel.clone(),
            access,
            until: NOW + MINUTE,
            gone: true,
        },
        SessionState::Ended {
            reason: EndReason::Unanswered,
            at: NOW,
            started_at: Some(NOW),
            remains: Some(Remains {
                tunnel,
                hold_until: Some(NOW + HOUR),
            }),
        },
    ]
}

pub(super) fn tunnel(router: RouterId) -> Tunnel {
    Tunnel {
        key: TunnelKey {
            router,
            source: TunnelSource::Ppp,
            handle: "*1F".into(),
            nonce: Some("0x81C00002".into()),
        },
        account: "ann".into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 8, 0, 4)),
            v6: vec![(
                "2001:db8::"
                    .parse()
                    .unwrap_or(std::net::Ipv6Addr::LOCALHOST),
                64,
            )],
        },
        caller: Some(Caller::parse("203.0.113.7")),
        uptime: Duration::from_secs(61),
        seen_at: NOW,
    }
}

/// An entry of the audit log about a session.
pub(super) fn entry(session: SessionId, whose: Whose, what: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        session: Some(session),
        router: Some(whose.router),
        account: Some(whose.account),
        what: AuditKind::Desk {
            actor: Actor::Policy,
            change: what.into(),
        },
    }
}

/// A ban of a whole account until somebody lifts it.
pub(super) fn ban(id: BanId, account: AccountId) -> Ban {
    Ban {
        id,
        account,
        scope: BanScope::Account,
        at: NOW,
        until: None,
        note: "not me".into(),
    }
}

fn subject(session: Option<SessionId>) -> Subject {
    Subject {
        session,
        account: "ann".into(),
        router: "office".into(),
        person: "Ann".into(),
        ..Subject::default()
    }
}

/// A question, asked with sound.
pub(super) fn question(user: UserId, session: SessionId, challenge: ChallengeId) -> Notice {
    let card = Card::Question(Question {
        challenge,
        kind: QuestionKind::Requested,
        caller: Some(Caller::parse("203.0.113.7")),
        service: Service::L2tp,
        at: NOW,
        deadline: NOW + 5 * MINUTE,
        first_time: true,
        early: false,
        remark: Remark::None,
        trial: false,
    });
    card_of(user, session, card, Delivery::Move)
}

/// What the card of a session shows.
pub(super) fn card_of(user: UserId, session: SessionId, card: Card, delivery: Delivery) -> Notice {
    Notice::Card {
        user,
        card,
        delivery,
        subject: subject(Some(session)),
    }
}

/// Said once. `count` tells one from another.
pub(super) fn inform(user: UserId, count: u16) -> Notice {
    Notice::Inform {
        user,
        inform: Inform::CoolDown {
            count,
            until: NOW + HOUR,
        },
        subject: subject(None),
    }
}

/// Said to operators. `why` tells one from another.
pub(super) fn alert(why: &str) -> Notice {
    Notice::Alert {
        alert: Alert::NotOpened { why: why.into() },
        subject: subject(None),
        at: NOW,
    }
}

/// A message that is due now.
pub(super) fn row(id: OutboxId, lane: Lane, priority: Priority, notice: Notice) -> OutboxRow {
    OutboxRow {
        id,
        lane,
        priority,
        notice,
        due: NOW,
        useless_after: None,
        attempt: 0,
        previous: None,
    }
}
