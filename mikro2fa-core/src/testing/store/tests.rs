use std::sync::Arc;

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::*;
use crate::{
    audit::AuditKind,
    directory::Directory,
    id::{AccountId, CommitId, UserId},
    session::{Actor, SessionState, Version},
    testing::{Desk, ManualClock},
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn store() -> (ManualClock, MemoryStore) {
    let clock = ManualClock::new(NOW);
    let store = MemoryStore::new(Arc::new(clock.clone()));
    (clock, store)
}

fn commit(number: u128) -> Commit {
    let id = SessionId::from_uuid(Uuid::from_u128(number));
    let mut commit = Commit::new(CommitId::from_uuid(Uuid::from_u128(number)), None);
    commit.sessions.push((
        None,
        Session {
            id,
            router: RouterId::from_uuid(Uuid::from_u128(1)),
            account: AccountId::from_uuid(Uuid::from_u128(2)),
            owner: UserId::from_uuid(Uuid::from_u128(3)),
            version: Version(1),
            opened_at: NOW,
            trial: false,
            state: SessionState::Requested {
                until: NOW,
                ready: false,
            },
        },
    ));
    commit.audit.push(AuditEntry {
        at: NOW,
        session: Some(id),
        router: None,
        account: None,
        what: AuditKind::Unbanned {
            actor: Actor::Policy,
        },
    });
    commit
}

#[tokio::test]
async fn faults_come_one_after_the_other() {
    let (_, store) = store();
    let group = [commit(1), commit(2)];
    store.next_commit(CommitFault::Fails(StoreError::Busy));
    store.next_commit(CommitFault::Conflict);
    store.next_commit(CommitFault::Refused("too long".into()));
    assert_eq!(store.commit(&group).await, Err(StoreError::Busy));
    assert_eq!(store.all_sessions(), []);
    let session = group[0].sessions[0].1.id;
    assert_eq!(
        store.commit(&group).await,
        Ok(vec![Committed::Conflict { session }, Committed::Done])
    );
    assert_eq!(
        store.commit(&group).await,
        Ok(vec![
            Committed::Refused("too long".into()),
            Committed::Repeated
        ])
    );
    assert_eq!(
        store.commit(&group).await,
        Ok(vec![Committed::Done, Committed::Repeated])
    );
}

#[tokio::test]
async fn a_full_disk_can_be_read() {
    let (clock, store) = store();
    store.full_until(NOW + SECOND);
    assert_eq!(store.commit(&[commit(1)]).await, Err(StoreError::Full));
    let desk = Desk::new(NOW);
    assert_eq!(desk.fill(&store).await, Err(StoreError::Full));
    assert_eq!(store.outbox_due().await, Ok(None));
    clock.advance_to(NOW + SECOND);
    assert_eq!(store.commit(&[commit(1)]).await, Ok(vec![Committed::Done]));
}

#[tokio::test]
async fn what_is_away_answers_nothing() {
    let (clock, store) = store();
    store.away_until(NOW + SECOND);
    assert!(store.commit(&[commit(1)]).await.is_err());
    assert!(store.routers().await.is_err());
    clock.advance_to(NOW + SECOND);
    assert!(store.routers().await.is_ok());
}

#[tokio::test]
async fn what_is_slow_is_written_all_the_same() {
    let (_, store) = store();
    store.latency(3);
    let group = [commit(1)];
    assert_eq!(
        store.commit(&group).now_or_never(),
        None,
        "it takes its turns"
    );
    assert_eq!(store.all_sessions().len(), 1, "and is written");
    assert_eq!(store.commit(&group).await, Ok(vec![Committed::Repeated]));
}

#[tokio::test]
async fn tampering_with_the_log_is_noticed() {
    let (_, first) = store();
    for number in 1..=4 {
        first.commit(&[commit(number)]).await.unwrap();
    }
    assert_eq!(first.verify_audit().await.unwrap().problems, []);
    first.tamper_with_audit(2, |entry| entry.at = NOW + SECOND);
    let problems = first.verify_audit().await.unwrap().problems;
    assert_eq!(problems, ["entry 2 was changed".into()]);
    for (cut, problem) in [(1, "entry 1 is missing"), (4, "entry 4 is missing")] {
        let (_, store) = store();
        for number in 1..=4 {
            store.commit(&[commit(number)]).await.unwrap();
        }
        store.cut_from_audit(cut);
        let problems = store.verify_audit().await.unwrap().problems;
        assert_eq!(problems, [problem.into()]);
    }
}
