//! Whoever changes the audit log behind the program's back is found out.

use std::time::Duration;

use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    directory::{AuditReport, DeskChange, Directory, PageOf},
    session::Actor,
    store::{Committed, Store},
    tunnel::Text,
};
use mikro2fa_store::{DieselStore, Options};

use crate::{
    sample::{NOW, banned, commit, empty, session, some_router},
    support::Database,
};

/// A checkpoint with each group.
fn eager() -> Options {
    Options {
        checkpoint_every: Duration::ZERO,
        ..Options::default()
    }
}

/// Three commits with an address each, a change at the desk, and a checkpoint after each.
async fn filled(database: &Database) -> DieselStore {
    let store = database.open_with(eager()).await;
    for caller in ["203.0.113.7", "198.51.100.9", "00:0C:42:00:00:01"] {
        let mut commit = commit(&session(some_router()));
        commit.audit.push(banned(caller));
        store.commit(&[commit]).await.unwrap();
    }
    let entry = AuditEntry {
        at: NOW,
        session: None,
        router: None,
        account: None,
        what: AuditKind::Desk {
            actor: Actor::Policy,
            change: "Ann is called Anna".into(),
        },
    };
    let setting = DeskChange::PutSetting {
        name: "a".into(),
        value: "b".into(),
    };
    store.change(vec![setting], vec![entry]).await.unwrap();
    store
}

async fn report(store: &DieselStore) -> AuditReport {
    store.verify_audit().await.unwrap()
}

#[tokio::test]
async fn an_untouched_log_is_whole() {
    for database in Database::each() {
        let store = filled(&database).await;
        let found = report(&store).await;
        assert_eq!((found.entries, found.chains), (7, 1));
        assert_eq!(found.problems, Vec::<Text>::new());
        assert_eq!(found.heads.len(), 1);
        assert_eq!(database.number("SELECT count(*) FROM audit_checkpoints"), 4);
        store.close().await.unwrap();
        let store = filled(&database).await;
        let found = report(&store).await;
        assert_eq!((found.entries, found.chains), (14, 2));
        assert_eq!(found.problems, Vec::<Text>::new());
    }
}

#[tokio::test]
async fn closing_writes_the_last_checkpoint() {
    for database in Database::each() {
        let store = database.open().await;
        let first = commit(&session(some_router()));
        store.commit(&[first]).await.unwrap();
        let checkpoints = "SELECT count(*) FROM audit_checkpoints";
        assert_eq!(
            database.number(checkpoints),
            0,
            "not every minute has gone by"
        );
        store.close().await.unwrap();
        assert_eq!(database.number(checkpoints), 1);
        let store = database.open().await;
        store.close().await.unwrap();
        assert_eq!(database.number(checkpoints), 1, "nothing new to cover");
    }
}

#[tokio::test]
async fn names_and_addresses_can_be_erased() {
    for database in Database::each() {
        let store = filled(&database).await;
        let heads = report(&store).await.heads;
        database.run("UPDATE audit_entries SET personal = NULL, salt = NULL");
        let found = report(&store).await;
        assert_eq!(found.problems, Vec::<Text>::new());
        assert_eq!(found.heads, heads);
        let page = store.audit(None, &PageOf::default()).await.unwrap();
        let shown = format!("{page:?}");
        assert!(
            !shown.contains("203.0.113.7") && !shown.contains("Anna"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn tampering_is_found() {
    let cases = [
        (
            "UPDATE audit_entries SET at = at + 1 WHERE seq = 2",
            "entry 2 was changed",
        ),
        (
            "UPDATE audit_entries SET what = replace(what, 'requested', 'active') WHERE seq = 3",
            "entry 3 was changed",
        ),
        (
            "UPDATE audit_entries SET account_id = NULL WHERE seq = 1",
            "entry 1 was changed",
        ),
        (
            "UPDATE audit_entries SET personal = replace(personal, '203.0.113.7', '203.0.113.8')",
            "names or addresses of entry 2 were changed",
        ),
        (
            "DELETE FROM audit_entries WHERE seq IN (3, 4)",
            "missing from entry 3 to 4",
        ),
        (
            "DELETE FROM audit_entries WHERE seq > 5",
            "its end is missing, from entry 6 to 7",
        ),
        (
            "DELETE FROM audit_entries WHERE seq > 5; UPDATE audit_chains SET seq = 5, covered = 5, \
             hash = (SELECT hash FROM audit_entries WHERE seq = 5)",
            "checkpoint 3: entry 6 of chain",
        ),
        (
            "DELETE FROM audit_entries; DELETE FROM audit_chains",
            "checkpoint 1: entry 2 of chain",
        ),
        (
            "UPDATE audit_checkpoints SET at = at + 1 WHERE seq = 2",
            "checkpoint 2 was changed",
        ),
        (
            "DELETE FROM audit_checkpoints WHERE seq = 2",
            "checkpoints 2 to 2 are missing",
        ),
        (
            "DELETE FROM audit_checkpoints WHERE seq > 2",
            "checkpoints up to entry 7 are missing",
        ),
    ];
    for (sql, expected) in cases {
        for database in Database::each() {
            let store = filled(&database).await;
            database.run(sql);
            let found = report(&store).await;
            assert!(
                found
                    .problems
                    .iter()
                    .any(|problem| problem.contains(expected)),
                "{sql}: {:?}",
                found.problems
            );
        }
    }
}

#[tokio::test]
async fn a_refused_change_tells_nothing() {
    for database in Database::each() {
        let store = filled(&database).await;
        let missing = DeskChange::RemoveOperator(mikro2fa_core::id::OperatorId::from_uuid(
            crate::sample::fresh(),
        ));
        let refused = store.change(vec![missing], vec![banned("192.0.2.1")]).await;
        assert!(refused.is_err());
        let done = store.commit(&[empty()]).await.unwrap();
        assert_eq!(done, [Committed::Done]);
        let found = report(&store).await;
        assert_eq!((found.entries, found.problems.len()), (7, 0));
    }
}
