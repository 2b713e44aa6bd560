//! Groups of commits: what the suite does not say.

use mikro2fa_core::{
    directory::Directory,
    id::RouterId,
    session::Session,
    store::{BanChange, Committed, Lane, Priority, Store},
    tunnel::Text,
};

use crate::{
    sample::{about, banned, commit, empty, message, next, session, settled, some_router},
    support::Database,
};

const WHOLE: Vec<Text> = Vec::new();

#[tokio::test]
async fn a_large_group_is_one_transaction() {
    for database in Database::each() {
        let store = database.open().await;
        let sessions: Vec<Session> = (0..512).map(|_| session(some_router())).collect();
        let group: Vec<_> = sessions.iter().map(commit).collect();
        let outcomes = store.commit(&group).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done));
        let chains = database.number("SELECT count(*) FROM audit_entries WHERE chain = 1");
        assert_eq!(chains, 512);
        let page = store.open_sessions(some_router(), None, 1_000).await;
        assert_eq!(page.unwrap(), sessions);
    }
}

#[tokio::test]
async fn a_session_lives_and_ends_within_one_group() {
    for database in Database::each() {
        let store = database.open().await;
        let first = session(some_router());
        let second = next(&first);
        let third = settled(&second);
        let group = [commit(&first), commit(&second), commit(&third)];
        let outcomes = store.commit(&group).await.unwrap();
        assert_eq!(outcomes, vec![Committed::Done; 3]);
        assert_eq!(store.session(first.id).await.unwrap(), Some(third));
        assert_eq!(database.number("SELECT count(*) FROM open_sessions"), 0);
        assert_eq!(database.number("SELECT count(*) FROM ended_sessions"), 1);
    }
}

#[tokio::test]
async fn a_culprit_takes_back_only_its_own() {
    for database in Database::each() {
        let store = database.open().await;
        let row = message(Lane::alert("a"), Priority::Info);
        let with_message = || {
            let mut commit = commit(&session(some_router()));
            commit.outbox.push(row.clone());
            commit
        };
        // The first writes the message, so the third is the culprit; nobody else notices.
        let group = [
            with_message(),
            commit(&session(some_router())),
            with_message(),
            commit(&session(some_router())),
        ];
        let outcomes = store.commit(&group).await.unwrap();
        assert!(
            matches!(
                outcomes.as_slice(),
                [
                    Committed::Done,
                    Committed::Done,
                    Committed::Refused(_),
                    Committed::Done
                ]
            ),
            "{outcomes:?}"
        );
        assert_eq!(database.number("SELECT count(*) FROM open_sessions"), 3);
        assert_eq!(database.number("SELECT count(*) FROM commits_seen"), 3);
        let again = store.commit(&group).await.unwrap();
        assert_eq!(again[0], Committed::Repeated);
        assert!(matches!(again[2], Committed::Refused(_)));
        let report = store.verify_audit().await.unwrap();
        assert_eq!((report.entries, report.chains), (3, 1));
        assert_eq!(report.problems, WHOLE);
    }
}

#[tokio::test]
async fn a_text_that_no_database_holds_is_refused_alone() {
    for database in Database::each() {
        let store = database.open().await;
        let mut hostile = empty();
        hostile.update = Some("tap\0tap".into());
        let mut quoted = empty();
        quoted.audit.push(banned("\0'; DROP TABLE users; --"));
        let outcomes = store
            .commit(&[empty(), hostile, quoted, empty()])
            .await
            .unwrap();
        assert!(
            matches!(
                outcomes.as_slice(),
                [
                    Committed::Done,
                    Committed::Refused(_),
                    Committed::Done,
                    Committed::Done
                ]
            ),
            "{outcomes:?}"
        );
        assert_eq!(store.verify_audit().await.unwrap().problems, WHOLE);
    }
}

#[tokio::test]
async fn sessions_of_many_routers_are_kept_apart() {
    for database in Database::each() {
        let store = database.open().await;
        let routers: Vec<RouterId> = (1..5)
            .map(|n| RouterId::from_uuid(uuid::Uuid::from_u128(n)))
            .collect();
        let sessions: Vec<Session> = (0..40).map(|n| session(routers[n % 4])).collect();
        let group: Vec<_> = sessions.iter().map(commit).collect();
        store.commit(&group).await.unwrap();
        for (n, router) in routers.iter().enumerate() {
            let read = store.open_sessions(*router, None, 100).await.unwrap();
            let expected: Vec<_> = sessions.iter().skip(n).step_by(4).cloned().collect();
            assert_eq!(read, expected);
        }
    }
}

#[tokio::test]
async fn the_last_of_a_group_stands_where_order_counts() {
    for database in Database::each() {
        let store = database.open().await;
        let first = session(some_router());
        let ban = mikro2fa_core::ban::Ban {
            id: mikro2fa_core::id::BanId::from_uuid(crate::sample::fresh()),
            account: first.account,
            scope: mikro2fa_core::ban::BanScope::Account,
            at: crate::sample::NOW,
            until: None,
            note: "not me".into(),
        };
        let mut put = empty();
        put.bans = vec![BanChange::Put(ban.clone())];
        let mut lift = empty();
        lift.bans = vec![BanChange::Lift(ban.id)];
        store.commit(&[put.clone(), lift.clone()]).await.unwrap();
        assert_eq!(store.ban(ban.id).await.unwrap(), None);
        put.id = empty().id;
        lift.id = empty().id;
        store.commit(&[lift, put]).await.unwrap();
        assert_eq!(store.ban(ban.id).await.unwrap(), Some(ban));
        let mut told = empty();
        told.audit.push(about(&first));
        store.commit(&[told]).await.unwrap();
    }
}
