//! The outbox: the store against the one in memory, over random histories.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{
    id::{NodeId, SessionId, UserId},
    store::{Claim, Lane, OutboxRow, Priority, Receipt, Sent, Store},
    testing::{ManualClock, MemoryStore},
    time::Timestamp,
};
use proptest::{prelude::*, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    sample::{NOW, empty, message, node},
    support::Database,
};

#[derive(Clone, Debug)]
enum Move {
    /// Writes a message.
    Add {
        lane: usize,
        priority: Priority,
        due: u64,
        useless_after: Option<u64>,
    },
    /// Claims, by one of two nodes, after some time.
    Claim {
        node: usize,
        at_most: usize,
        after: u64,
        until: u64,
    },
    /// Settles one of the messages that were handed out.
    Settle {
        which: prop::sample::Index,
        node: usize,
        fate: Fate,
    },
}

#[derive(Clone, Debug)]
enum Fate {
    Delivered,
    Useless,
    Dead,
    Later(u64),
}

/// Two cards, two users, one alert.
fn lanes() -> [Lane; 5] {
    let id = |n| Uuid::from_u128(n);
    [
        Lane::card(SessionId::from_uuid(id(1))),
        Lane::card(SessionId::from_uuid(id(2))),
        Lane::user(UserId::from_uuid(id(3))),
        Lane::user(UserId::from_uuid(id(4))),
        Lane::alert("router"),
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let priority = prop::sample::select(vec![
        Priority::Question,
        Priority::Closing,
        Priority::Reply,
        Priority::Info,
    ]);
    let add = (
        0..5_usize,
        priority,
        0..40_u64,
        prop::option::weighted(0.2, 1..60_u64),
    )
        .prop_map(|(lane, priority, due, useless_after)| Move::Add {
            lane,
            priority,
            due,
            // What a card shows last is always of use.
            useless_after: useless_after.filter(|_| lane > 1),
        });
    let claim =
        (0..2_usize, 0..4_usize, 0..15_u64, 1..30_u64).prop_map(|(node, at_most, after, until)| {
            Move::Claim {
                node,
                at_most,
                after,
                until,
            }
        });
    let fate = prop_oneof![
        3 => Just(Fate::Delivered),
        1 => Just(Fate::Useless),
        1 => Just(Fate::Dead),
        2 => (0..30_u64).prop_map(Fate::Later),
    ];
    let settle = (any::<prop::sample::Index>(), 0..2_usize, fate)
        .prop_map(|(which, node, fate)| Move::Settle { which, node, fate });
    prop::collection::vec(prop_oneof![4 => add, 3 => claim, 3 => settle], 1..60)
}

struct World {
    now: Timestamp,
    nodes: [NodeId; 2],
    /// What was handed out, and until when.
    claimed: Vec<(OutboxRow, Timestamp)>,
    sent: u32,
}

impl World {
    /// Makes one move on both, and compares what they hand out.
    async fn make(&mut self, made: &Move, stores: [&dyn Store; 2]) -> Result<(), TestCaseError> {
        let second = Duration::from_secs;
        match made {
            Move::Add {
                lane,
                priority,
                due,
                useless_after,
            } => {
                let mut row = message(lanes()[*lane].clone(), *priority);
                row.due = self.now + second(*due);
                row.useless_after = useless_after.map(|after| self.now + second(after));
                let mut commit = empty();
                commit.outbox.push(row);
                for store in stores {
                    store.commit(std::slice::from_ref(&commit)).await.unwrap();
                }
            }
            Move::Claim {
                node,
                at_most,
                after,
                until,
            } => {
                self.now = self.now + second(*after);
                let claim = Claim {
                    node: self.nodes[*node],
                    at_most: *at_most,
                    until: self.now + second(*until),
                    now: self.now,
                };
                let [expected, found] = [
                    stores[0].claim_outbox(&claim).await.unwrap(),
                    stores[1].claim_outbox(&claim).await.unwrap(),
                ];
                prop_assert_eq!(&found, &expected);
                let handed_out = found.into_iter().map(|row| (row, claim.until));
                self.claimed.extend(handed_out);
            }
            Move::Settle { which, node, fate } => {
                let which = which.index(self.claimed.len().max(1));
                let Some((row, until)) = self.claimed.get(which) else {
                    return Ok(());
                };
                // A card's row whose claim is over may have been replaced: memory then forgets its receipt at once,
                // the database only when the row that replaces it goes out.
                if row.lane.is_card() && *until <= self.now {
                    return Ok(());
                }
                self.sent += 1;
                let sent = match fate {
                    Fate::Delivered => Sent::Delivered(Receipt(self.sent.to_string().into())),
                    Fate::Useless => Sent::Useless,
                    Fate::Dead => Sent::Dead {
                        reason: "gone".into(),
                    },
                    Fate::Later(after) => Sent::Later {
                        due: self.now + second(*after),
                        reason: "slow down".into(),
                    },
                };
                for store in stores {
                    let settled = [(row.id, sent.clone())];
                    let node = self.nodes[*node];
                    store.settle_outbox(node, &settled).await.unwrap();
                }
            }
        }
        Ok(())
    }
}

fn against_memory(database: &Database, cases: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = runtime.block_on(database.open());
    let config = proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..Default::default()
    };
    let check = |moves: Vec<Move>| {
        database.run("DELETE FROM outbox; DELETE FROM lanes");
        let memory = MemoryStore::new(Arc::new(ManualClock::new(NOW)));
        let mut world = World {
            now: NOW,
            nodes: [node(), node()],
            claimed: Vec::new(),
            sent: 0,
        };
        runtime.block_on(async {
            for made in &moves {
                world.make(made, [&memory, &store]).await?;
            }
            Ok(())
        })
    };
    if let Err(error) = TestRunner::new(config).run(&moves(), check) {
        panic!("{error}");
    }
}

#[test]
fn claims_are_those_of_memory_on_sqlite() {
    against_memory(&Database::sqlite(), 60);
}

#[test]
fn claims_are_those_of_memory_on_postgresql() {
    against_memory(&Database::postgresql(), 30);
}

/// A later row that nobody may send any more replaces nothing: a question is never dropped in favour of silence.
#[tokio::test]
async fn what_is_past_its_use_replaces_nothing() {
    for database in Database::each() {
        let store = database.open().await;
        let question = message(lanes()[0].clone(), Priority::Question);
        let mut late = message(lanes()[0].clone(), Priority::Info);
        late.useless_after = Some(NOW);
        let mut commit = empty();
        commit.outbox = vec![question.clone(), late];
        store.commit(&[commit]).await.unwrap();
        let claim = Claim {
            node: node(),
            at_most: 10,
            until: NOW + Duration::from_secs(60),
            now: NOW + Duration::from_secs(1),
        };
        let claimed = store.claim_outbox(&claim).await.unwrap();
        assert_eq!(claimed, [question]);
    }
}

/// One row that does not read stops its own lane only.
#[tokio::test]
async fn a_message_that_does_not_read_holds_up_no_other() {
    for database in Database::each() {
        let store = database.open().await;
        let rows = [
            message(Lane::alert("a"), Priority::Info),
            message(Lane::alert("b"), Priority::Info),
        ];
        let mut commit = empty();
        commit.outbox = rows.to_vec();
        store.commit(&[commit]).await.unwrap();
        let id = rows[0].id;
        database.run(&format!(
            "UPDATE outbox SET notice = '{{' WHERE id = '{id}'"
        ));
        let claim = Claim {
            node: node(),
            at_most: 10,
            until: NOW + Duration::from_secs(60),
            now: NOW,
        };
        let claimed = store.claim_outbox(&claim).await.unwrap();
        assert_eq!(claimed, rows[1..]);
    }
}
