//! Records to test with.

use std::sync::atomic::{AtomicU64, Ordering};

use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    id::{AccountId, CommitId, NodeId, OutboxId, RouterId, SessionId, UserId},
    notifier::{Alert, Notice, Subject},
    session::{EndReason, Session, SessionState, StateName, Version},
    store::{Commit, Lane, OutboxRow, Priority},
    time::Timestamp,
    tunnel::Caller,
};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// An id that nothing else in this process has; they grow.
pub(crate) fn fresh() -> Uuid {
    static MADE: AtomicU64 = AtomicU64::new(1);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    Uuid::from_u64_pair(0x018b_cfe5_6800_7000, 0x9000_0000_0000_0000 | number)
}

pub(crate) fn node() -> NodeId {
    NodeId::from_uuid(fresh())
}

/// A new session of some account.
pub(crate) fn session(router: RouterId) -> Session {
    Session {
        id: SessionId::from_uuid(fresh()),
        router,
        account: AccountId::from_uuid(fresh()),
        owner: UserId::from_uuid(fresh()),
        version: Version(1),
        opened_at: NOW,
        trial: false,
        state: SessionState::Requested {
            until: NOW,
            ready: false,
        },
    }
}

pub(crate) fn some_router() -> RouterId {
    RouterId::from_uuid(Uuid::from_u128(77))
}

/// The same, a version later.
pub(crate) fn next(session: &Session) -> Session {
    Session {
        version: Version(session.version.0 + 1),
        ..session.clone()
    }
}

/// The same, a version later, over and gone.
pub(crate) fn settled(session: &Session) -> Session {
    Session {
        state: SessionState::Ended {
            reason: EndReason::NeverConnected,
            at: NOW,
            started_at: None,
            remains: None,
        },
        ..next(session)
    }
}

pub(crate) fn empty() -> Commit {
    Commit::new(CommitId::from_uuid(fresh()), None)
}

/// A session with one audit entry, stepped from the version before it.
pub(crate) fn commit(session: &Session) -> Commit {
    let mut commit = empty();
    let base = session.version.0 - 1;
    commit
        .sessions
        .push(((base > 0).then_some(Version(base)), session.clone()));
    commit.audit.push(about(session));
    commit
}

pub(crate) fn about(session: &Session) -> AuditEntry {
    AuditEntry {
        at: NOW,
        session: Some(session.id),
        router: Some(session.router),
        account: Some(session.account),
        what: AuditKind::SessionOpened {
            state: StateName::Requested,
        },
    }
}

/// An entry that names somebody's address.
pub(crate) fn banned(caller: &str) -> AuditEntry {
    AuditEntry {
        at: NOW,
        session: None,
        router: None,
        account: None,
        what: AuditKind::Banned {
            caller: Some(Caller::parse(caller)),
            until: None,
        },
    }
}

pub(crate) fn message(lane: Lane, priority: Priority) -> OutboxRow {
    OutboxRow {
        id: OutboxId::from_uuid(fresh()),
        lane,
        priority,
        notice: Notice::Alert {
            alert: Alert::BotConflict,
            subject: Subject::default(),
            at: NOW,
        },
        due: NOW,
        useless_after: None,
        attempt: 0,
        previous: None,
    }
}
