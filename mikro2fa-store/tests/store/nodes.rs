//! Several nodes on one PostgreSQL.

use std::{collections::BTreeSet, time::Duration};

use diesel::connection::SimpleConnection;
use mikro2fa_core::{
    directory::Directory,
    id::RouterId,
    store::{Claim, Commit, Committed, Lane, Priority, Receipt, Sent, Store, StoreError},
    testing::Desk,
};

use crate::{
    sample::{NOW, commit, empty, fresh, message, next, node, session, some_router},
    support::Database,
};

const LEASE: Duration = Duration::from_secs(3_600);

async fn two_routers(directory: &dyn Directory) -> [RouterId; 2] {
    let mut desk = Desk::new(NOW);
    let routers = [desk.router("office"), desk.router("plant")];
    desk.fill(directory).await.unwrap();
    routers
}

#[tokio::test]
async fn who_was_taken_over_is_fenced_and_epochs_only_grow() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let nodes = [node(), node()];
    let [router, _] = two_routers(&stores[0]).await;
    let mut epoch = 0;
    let mut before: Option<Commit> = None;
    for turn in 0..6 {
        let (store, node) = (&stores[turn % 2], nodes[turn % 2]);
        let fences = store.hold_routers(node, 10, LEASE).await.unwrap();
        let fence = fences.into_iter().find(|f| f.router == router).unwrap();
        assert!(fence.epoch > epoch);
        epoch = fence.epoch;
        if let Some(late) = before {
            let other = &stores[(turn + 1) % 2];
            assert_eq!(other.commit(&[late]).await.unwrap(), [Committed::Fenced]);
        }
        let with_fence = || {
            let mut commit = commit(&session(router));
            commit.fence = Some(fence.clone());
            commit
        };
        let done = store.commit(&[with_fence()]).await.unwrap();
        assert_eq!(done, [Committed::Done]);
        before = Some(with_fence());
        database.run("UPDATE router_leases SET until = 0");
    }
}

#[tokio::test]
async fn a_router_is_not_taken_in_the_middle_of_a_commit() {
    let database = Database::postgresql();
    let store = database.open().await;
    two_routers(&store).await;
    let holder = node();
    store.hold_routers(holder, 10, LEASE).await.unwrap();
    // Another node's commit, between its look at the lease and its end.
    let mut committing = database.postgresql_connection();
    database.run("UPDATE router_leases SET until = 0");
    committing
        .batch_execute("BEGIN; SELECT * FROM router_leases FOR SHARE")
        .unwrap();
    let taken = store.hold_routers(node(), 10, LEASE).await.unwrap();
    assert_eq!(taken, [], "nobody waits, and nobody takes");
    committing.batch_execute("COMMIT").unwrap();
    let taken = store.hold_routers(node(), 10, LEASE).await.unwrap();
    assert_eq!(taken.len(), 2);
}

#[tokio::test]
async fn routers_are_shared_out() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let nodes = [node(), node()];
    let routers = two_routers(&stores[0]).await;
    let (a, b) = tokio::join!(
        stores[0].hold_routers(nodes[0], 1, LEASE),
        stores[1].hold_routers(nodes[1], 1, LEASE)
    );
    // One that is just being taken is skipped, not waited for: then the next round has it.
    let mut held: BTreeSet<RouterId> = BTreeSet::new();
    for (fences, turn) in [(a.unwrap(), 0), (b.unwrap(), 1)] {
        let again = stores[turn].hold_routers(nodes[turn], 1, LEASE).await;
        let again = again.unwrap();
        assert_eq!(again.len(), 1);
        assert!(fences.is_empty() || fences[0].router == again[0].router);
        held.insert(again[0].router);
    }
    assert_eq!(held, routers.into_iter().collect());
}

#[tokio::test]
async fn of_two_nodes_that_step_a_session_one_wins() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let mut current = session(some_router());
    stores[0].commit(&[commit(&current)]).await.unwrap();
    for _ in 0..20 {
        let later = next(&current);
        let groups = [[commit(&later)], [commit(&later)]];
        let (a, b) = tokio::join!(stores[0].commit(&groups[0]), stores[1].commit(&groups[1]));
        let mut outcomes = [a.unwrap().remove(0), b.unwrap().remove(0)];
        outcomes.sort_by_key(|outcome| *outcome != Committed::Done);
        let session = current.id;
        assert_eq!(outcomes, [Committed::Done, Committed::Conflict { session }]);
        current = later;
    }
}

#[tokio::test]
async fn groups_that_overlap_the_wrong_way_round_do_not_deadlock() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let mut sessions: Vec<_> = (0..30).map(|_| session(some_router())).collect();
    let group: Vec<_> = sessions.iter().map(commit).collect();
    stores[0].commit(&group).await.unwrap();
    for _ in 0..10 {
        let later: Vec<_> = sessions.iter().map(next).collect();
        let forward: Vec<_> = later.iter().map(commit).collect();
        let backward: Vec<_> = later.iter().rev().map(commit).collect();
        let (a, b) = tokio::join!(stores[0].commit(&forward), stores[1].commit(&backward));
        let done = |outcomes: Result<Vec<Committed>, StoreError>| {
            let outcomes = outcomes.unwrap();
            outcomes.iter().filter(|o| **o == Committed::Done).count()
        };
        assert_eq!(done(a) + done(b), 30, "each session once");
        sessions = later;
    }
}

#[tokio::test]
async fn the_same_update_on_two_nodes_counts_once() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    for _ in 0..20 {
        let update = fresh().to_string();
        let with_update = || {
            let mut commit = commit(&session(some_router()));
            commit.update = Some(update.as_str().into());
            [commit, empty()]
        };
        let groups = [with_update(), with_update()];
        let (a, b) = tokio::join!(stores[0].commit(&groups[0]), stores[1].commit(&groups[1]));
        let mut outcomes = [a.unwrap().remove(0), b.unwrap().remove(0)];
        outcomes.sort_by_key(|outcome| *outcome != Committed::Done);
        assert_eq!(outcomes, [Committed::Done, Committed::Repeated]);
    }
}

/// Two nodes send until nothing is left. No message is sent twice, and each lane stays in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_the_outbox() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let lanes: Vec<Lane> = (0..7).map(|n| Lane::alert(&n.to_string())).collect();
    let mut written = Vec::new();
    for number in 0..140 {
        let lane = lanes[number % lanes.len()].clone();
        written.push(message(lane, Priority::Info));
    }
    let mut all = empty();
    all.outbox.clone_from(&written);
    stores[0].commit(&[all]).await.unwrap();
    let send = |store: mikro2fa_store::DieselStore| async move {
        let node = node();
        let mut sent = Vec::new();
        while store.outbox_due().await.unwrap().is_some() {
            let claim = Claim {
                node,
                at_most: 3,
                until: NOW + LEASE,
                now: NOW,
            };
            for row in store.claim_outbox(&claim).await.unwrap() {
                let previous = row.previous.map(|Receipt(text)| text.to_string());
                let count: u32 = previous.map_or(0, |text| text.parse().unwrap());
                let receipt = Receipt((count + 1).to_string().into());
                let settled = [(row.id, Sent::Delivered(receipt))];
                store.settle_outbox(node, &settled).await.unwrap();
                sent.push((row.lane, count, row.id));
            }
        }
        sent
    };
    let [first, second] = stores;
    let (first, second) = tokio::join!(tokio::spawn(send(first)), tokio::spawn(send(second)));
    let mut sent = first.unwrap();
    sent.extend(second.unwrap());
    // The receipts count the messages of a lane: so they tell the order in which they were sent.
    sent.sort();
    let expected: Vec<_> = lanes
        .iter()
        .flat_map(|lane| {
            let rows = written.iter().filter(move |row| row.lane == *lane);
            rows.zip(0..).map(|(row, n)| (row.lane.clone(), n, row.id))
        })
        .collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn each_node_has_a_chain_of_its_own() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    for _ in 0..5 {
        for store in &stores {
            let group = [
                commit(&session(some_router())),
                commit(&session(some_router())),
            ];
            store.commit(&group).await.unwrap();
        }
    }
    for store in &stores {
        store.close().await.unwrap();
    }
    let report = database.open().await.verify_audit().await.unwrap();
    assert_eq!((report.chains, report.entries), (2, 20));
    assert_eq!(report.problems, Vec::<mikro2fa_core::tunnel::Text>::new());
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let database = Database::postgresql();
    let store = database.open().await;
    let first = session(some_router());
    store.commit(&[commit(&first)]).await.unwrap();
    // The tests' connections have their schema's name.
    database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE application_name = current_schema() AND pid <> pg_backend_pid()",
    );
    let error = store.commit(&[commit(&next(&first))]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let again = store.commit(&[commit(&next(&first))]).await.unwrap();
    assert_eq!(again, [Committed::Done]);
    store.close().await.unwrap();
    let report = database.open().await.verify_audit().await.unwrap();
    assert_eq!(
        (report.chains, report.entries),
        (2, 2),
        "a chain a connection"
    );
    assert_eq!(report.problems, Vec::<mikro2fa_core::tunnel::Text>::new());
}

/// The connection broke while committing; the server is still at it when the same commit comes again.
#[tokio::test]
async fn a_commit_that_comes_again_while_it_is_being_done_is_repeated() {
    let database = Database::postgresql();
    let store = database.open().await;
    let first = session(some_router());
    store.commit(&[commit(&first)]).await.unwrap();
    let later = commit(&next(&first));
    let mut still_at_it = database.postgresql_connection();
    still_at_it
        .batch_execute(&format!(
            "BEGIN; UPDATE open_sessions SET version = 2 WHERE id = '{}'; \
             INSERT INTO commits_seen (id, at) VALUES ('{}', 0)",
            first.id, later.id
        ))
        .unwrap();
    let again = tokio::spawn(async move { store.commit(&[later]).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = current_schema() AND wait_event_type = 'Lock'";
    while database.number(waiting) == 0 {
        tokio::task::yield_now().await;
    }
    still_at_it.batch_execute("COMMIT").unwrap();
    assert_eq!(again.await.unwrap(), Ok(vec![Committed::Repeated]));
}
