//! What was acknowledged survives whatever becomes of the process.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use mikro2fa_core::{
    directory::Directory,
    id::SessionId,
    store::{Claim, Committed, Lane, Priority, Sent, Store, StoreError},
};
use mikro2fa_store::{DieselStore, Options, Role};

use crate::{
    sample::{NOW, commit, empty, message, next, node, session, settled, some_router},
    support::{Database, key},
};

const URL: &str = "MIKRO2FA_TEST_CHILD_URL";

/// Only does something as the child of [`what_was_acknowledged_survives_a_kill`]: commits until it is killed, and
/// tells each session once its commit is done.
#[tokio::test]
async fn child() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let url = url.parse().unwrap();
    let store = DieselStore::open(&url, &key(), Options::default())
        .await
        .unwrap();
    loop {
        let mut group = Vec::new();
        let mut sessions = Vec::new();
        for _ in 0..7 {
            let first = session(some_router());
            let second = settled(&first);
            group.push(commit(&first));
            group.push(commit(&second));
            let third = session(some_router());
            group.push(commit(&third));
            sessions.extend([first.id, third.id]);
        }
        let outcomes = store.commit(&group).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done));
        for id in sessions {
            println!("done {id}");
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    for database in Database::each() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::child", "--nocapture"])
            .env(URL, database.url_text())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged: Vec<SessionId> = Vec::new();
        while acknowledged.len() < 200 {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, id)) = line.split_once("done ") {
                acknowledged.push(id.parse().unwrap());
            }
        }
        child.kill().unwrap();
        acknowledged.extend(lines.map_while(Result::ok).filter_map(|line| {
            let (_, id) = line.split_once("done ")?;
            id.parse::<SessionId>().ok()
        }));
        child.wait().unwrap();

        let store = database.open().await;
        for id in &acknowledged {
            assert!(store.session(*id).await.unwrap().is_some(), "{id} is lost");
        }
        let report = store.verify_audit().await.unwrap();
        assert_eq!(report.problems, Vec::<mikro2fa_core::tunnel::Text>::new());
        assert!(report.entries * 2 >= acknowledged.len() as u64 * 3);
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_dropping_the_store() {
    for database in Database::each() {
        let store = database.open().await;
        let first = session(some_router());
        store.commit(&[commit(&first)]).await.unwrap();
        drop(store);
        let store = database.open().await;
        assert_eq!(store.session(first.id).await.unwrap(), Some(first.clone()));
        let open = store.open_sessions(some_router(), None, 10).await.unwrap();
        assert_eq!(open, std::slice::from_ref(&first));
        let again = store.commit(&[commit(&next(&first))]).await.unwrap();
        assert_eq!(again, [Committed::Done]);
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    for database in Database::each() {
        let store = database.open().await;
        let other = store.clone();
        store.close().await.unwrap();
        for error in [
            other.session(session(some_router()).id).await.unwrap_err(),
            other.commit(&[empty()]).await.unwrap_err(),
            other.close().await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        }
    }
}

#[tokio::test]
async fn one_process_serves_a_file_and_others_edit_beside_it() {
    let database = Database::sqlite();
    let serving = database.open().await;
    let error = DieselStore::open(&database.url(), &key(), Options::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("another process serves"));
    let desk = Options {
        role: Role::Desk,
        ..Options::default()
    };
    let beside = database.open_with(desk).await;
    let first = session(some_router());
    serving.commit(&[commit(&first)]).await.unwrap();
    assert_eq!(beside.session(first.id).await.unwrap(), Some(first.clone()));
    beside.commit(&[commit(&next(&first))]).await.unwrap();
    let seen = serving.session(first.id).await.unwrap();
    assert_eq!(seen, Some(next(&first)));
    drop(serving);
    database.open().await;
}

#[tokio::test]
async fn what_a_dead_process_had_claimed_is_free_at_once() {
    let database = Database::sqlite();
    let (before, after) = (node(), node());
    let row = message(Lane::alert("a"), Priority::Info);
    let claim = |node| Claim {
        node,
        at_most: 10,
        until: NOW + std::time::Duration::from_secs(120),
        now: NOW,
    };
    let store = database.open().await;
    let mut commit = empty();
    commit.outbox.push(row.clone());
    store.commit(&[commit]).await.unwrap();
    assert_eq!(store.claim_outbox(&claim(before)).await.unwrap().len(), 1);
    assert_eq!(store.claim_outbox(&claim(after)).await.unwrap(), []);
    drop(store);
    let store = database.open().await;
    assert_eq!(store.outbox_due().await.unwrap(), Some(NOW));
    assert_eq!(store.claim_outbox(&claim(after)).await.unwrap().len(), 1);
    let late = [(row.id, Sent::Useless)];
    store.settle_outbox(before, &late).await.unwrap();
    assert!(store.outbox_due().await.unwrap() > Some(NOW), "still ours");
}
