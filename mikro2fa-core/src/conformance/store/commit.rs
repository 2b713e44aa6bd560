//! All or nothing, once, and only by right.

use std::slice;

use super::{StoreBench, World};
use crate::{
    book::Book,
    conformance::{
        ok,
        sample::{NOW, alert, ban, entry, next, over, row},
        start_and_drop,
    },
    directory::PageOf,
    id::RouterId,
    router_backend::Fence,
    session::Version,
    store::{BanChange, Commit, Committed, Lane, Priority, Receipt, Sent, StoreError},
};

impl World {
    /// A commit with something of each kind.
    fn full_commit(&self) -> Commit {
        let mut commit = self.commit_of(&self.session());
        let mut book = Book::default();
        book.prompted(NOW);
        commit.books.push((self.whose.account, book));
        let banned = ban(self.ids.ban(), self.whose.account);
        commit.bans.push(BanChange::Put(banned));
        commit.outbox.push(row(
            self.ids.outbox(),
            Lane::alert("full"),
            Priority::Info,
            alert("full"),
        ));
        commit.update = Some("update 7".into());
        commit
    }

    /// Is all, or none, of a full commit there?
    async fn is_there(&self, commit: &Commit, expected: bool) {
        let there = if expected { 1 } else { 0 };
        for (_, session) in &commit.sessions {
            let stored = self.stored(session.id).await;
            assert_eq!(stored.is_some(), expected, "the session is there");
            assert_eq!(self.audited(session.id).await, there, "audit entries");
        }
        let memory = ok(
            self.store.memory(self.whose.router).await,
            "read the memory",
        );
        assert_eq!(memory.books.len(), there, "books");
        assert_eq!(memory.bans.len(), there, "bans");
        assert_eq!(self.claim(NOW).await.len(), there, "messages");
    }
}

/// `commit` writes all that a [`Commit`] holds.
pub async fn a_commit_writes_all_of_it(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let commit = world.full_commit();
    world.commit_all(slice::from_ref(&commit)).await;
    world.is_there(&commit, true).await;
    let (_, session) = &commit.sessions[0];
    assert_eq!(world.stored(session.id).await.as_ref(), Some(session));
}

/// A commit that loses writes nothing: no audit entry, no message, no ban, no book; its update stays unused.
pub async fn a_commit_that_loses_writes_none_of_it(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut commit = world.full_commit();
    commit.sessions[0].0 = Some(Version(3));
    let session = commit.sessions[0].1.id;
    assert_eq!(
        world.commit(slice::from_ref(&commit)).await,
        [Committed::Conflict { session }],
        "a session that is not there has no version 3"
    );
    world.is_there(&commit, false).await;
    commit.sessions[0].0 = None;
    assert_eq!(
        world.commit(slice::from_ref(&commit)).await,
        [Committed::Done],
        "what lost may be sent again under its own id, with its own update"
    );
    world.is_there(&commit, true).await;
}

/// In a group each commit has its own outcome, in order, and a loser harms no other.
pub async fn a_loser_harms_no_other(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let sessions: Vec<_> = (0..5).map(|_| world.session()).collect();
    let mut group: Vec<_> = sessions
        .iter()
        .map(|session| world.commit_of(session))
        .collect();
    group[1].sessions[0].0 = Some(Version(9));
    group[3].fence = Some(Fence {
        epoch: world.fence.epoch + 1,
        ..world.fence.clone()
    });
    let outcomes = world.commit(&group).await;
    let session = sessions[1].id;
    assert_eq!(
        outcomes,
        [
            Committed::Done,
            Committed::Conflict { session },
            Committed::Done,
            Committed::Fenced,
            Committed::Done,
        ]
    );
    for (number, session) in sessions.iter().enumerate() {
        let won = matches!(outcomes[number], Committed::Done);
        let there = world.stored(session.id).await.is_some();
        assert_eq!(there, won, "session {number} is there if its commit won");
    }
}

/// An empty group is no transaction and no error.
pub async fn an_empty_group_does_nothing(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    assert_eq!(world.commit(&[]).await, []);
}

/// A new session has to be new.
pub async fn a_new_session_that_is_there_already_conflicts(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.session();
    world.commit_all(&[world.commit_of(&session)]).await;
    let outcomes = world.commit(&[world.commit_of(&session)]).await;
    assert_eq!(
        outcomes,
        [Committed::Conflict {
            session: session.id
        }]
    );
    assert_eq!(world.audited(session.id).await, 1, "nothing was written");
}

/// A session wins only against the version that it was stepped from.
pub async fn an_older_version_conflicts(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let first = world.session();
    let second = next(&first, over());
    world.commit_all(&[world.commit_of(&first)]).await;
    world.commit_all(&[world.commit_of(&second)]).await;
    let outcomes = world.commit(&[world.commit_of(&second)]).await;
    assert_eq!(outcomes, [Committed::Conflict { session: first.id }]);
    let stored = world.stored(first.id).await.map(|session| session.version);
    assert_eq!(stored, Some(Version(2)), "what won stays");
}

/// Of two that change the same session in one group, the first wins.
pub async fn the_first_of_a_group_wins(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let first = world.session();
    world.commit_all(&[world.commit_of(&first)]).await;
    let second = next(&first, over());
    let group = [world.commit_of(&second), world.commit_of(&second)];
    assert_eq!(
        world.commit(&group).await,
        [Committed::Done, Committed::Conflict { session: first.id }]
    );
    assert_eq!(world.audited(first.id).await, 2, "the loser wrote nothing");
}

/// The same commit twice is `Repeated`: later, and in one group.
pub async fn the_same_commit_twice_is_repeated(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.session();
    let commit = world.commit_of(&session);
    world.commit_all(slice::from_ref(&commit)).await;
    assert_eq!(world.commit(&[commit]).await, [Committed::Repeated]);
    let other = world.commit_of(&world.session());
    assert_eq!(
        world.commit(&[other.clone(), other]).await,
        [Committed::Done, Committed::Repeated]
    );
    assert_eq!(
        world.audited(session.id).await,
        1,
        "nothing was written twice"
    );
}

/// The same update from outside twice is `Repeated`, whatever else the commit holds: later, and in one group.
pub async fn the_same_update_twice_is_repeated(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let with_update = |update: &str| {
        let session = world.session();
        let mut commit = world.commit_of(&session);
        commit.update = Some(update.into());
        (session, commit)
    };
    let (_, first) = with_update("1");
    let (again, repeated) = with_update("1");
    let (_, other) = with_update("2");
    let (_, other_again) = with_update("2");
    world.commit_all(&[first]).await;
    assert_eq!(
        world.commit(&[repeated, other, other_again]).await,
        [Committed::Repeated, Committed::Done, Committed::Repeated]
    );
    assert_eq!(world.stored(again.id).await, None, "nothing was written");
}

/// After `OutcomeUnknown` the same commits are sent again: `Repeated` where they had been written, else `Done`. Either
/// way all is there once.
pub async fn what_broke_while_committing_is_sent_again(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    for done in [true, false] {
        let session = world.session();
        let commit = world.commit_of(&session);
        if !bench.break_next_commit(done).await {
            return;
        }
        let group = [commit];
        assert_eq!(
            world.store.commit(&group).await,
            Err(StoreError::OutcomeUnknown)
        );
        let expected = if done {
            Committed::Repeated
        } else {
            Committed::Done
        };
        assert_eq!(world.commit(&group).await, [expected]);
        assert_eq!(world.stored(session.id).await, Some(session.clone()));
        assert_eq!(world.audited(session.id).await, 1, "all is there once");
    }
}

/// Who goes away while a commit is under way does not undo it.
pub async fn a_dropped_commit_is_not_undone(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.session();
    let group = [world.commit_of(&session)];
    start_and_drop(world.store.commit(&group));
    while world.stored(session.id).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.commit(&group).await, [Committed::Repeated]);
    assert_eq!(world.audited(session.id).await, 1);
}

/// The fence has to be the one that was given last: this node's, of this epoch, for a router that is known.
pub async fn only_the_holder_of_the_fence_commits(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let fence = &world.fence;
    let wrong = [
        Fence {
            epoch: fence.epoch + 1,
            ..fence.clone()
        },
        Fence {
            node: world.ids.node(),
            ..fence.clone()
        },
        Fence {
            router: RouterId::from_uuid(world.ids.next()),
            ..fence.clone()
        },
    ];
    for fence in wrong {
        let session = world.session();
        let mut commit = world.commit_of(&session);
        commit.fence = Some(fence.clone());
        assert_eq!(
            world.commit(&[commit]).await,
            [Committed::Fenced],
            "{fence:?}"
        );
        assert_eq!(world.stored(session.id).await, None, "nothing was written");
    }
}

/// What names no fence needs none.
pub async fn without_a_fence_nothing_is_asked_for(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut commit = world.commit_of(&world.session());
    commit.fence = None;
    world.commit_all(&[commit]).await;
}

/// What cannot be written is `Refused`, and harms no other: here a message whose id is there already.
pub async fn what_cannot_be_written_is_refused(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let message = |why: &str| {
        row(
            world.ids.outbox(),
            Lane::alert(why),
            Priority::Info,
            alert(why),
        )
    };
    let taken = message("taken");
    world.send(&taken).await;
    let (before, after) = (world.session(), world.session());
    let culprit = {
        let session = world.session();
        let mut commit = world.commit_of(&session);
        commit.outbox.push(taken);
        commit
    };
    let lost = culprit.sessions[0].1.id;
    let group = [world.commit_of(&before), culprit, world.commit_of(&after)];
    let outcomes = world.commit(&group).await;
    assert!(
        matches!(
            outcomes.as_slice(),
            [Committed::Done, Committed::Refused(_), Committed::Done]
        ),
        "the culprit is refused, and harms no other: {outcomes:?}"
    );
    assert_eq!(world.stored(lost).await, None, "nothing of it was written");
    assert!(world.stored(after.id).await.is_some());
}

/// What became of messages is settled with what follows from it, or not at all.
pub async fn a_commit_settles_messages(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let lane = Lane::user(world.whose.owner);
    let rows: Vec<_> = (0..2)
        .map(|_| {
            row(
                world.ids.outbox(),
                lane.clone(),
                Priority::Info,
                alert("settled"),
            )
        })
        .collect();
    world.send_all(&rows).await;
    assert_eq!(world.claim(NOW).await.len(), 1);
    let receipt = Receipt("41".into());
    let mut commit = world.commit_of(&world.session());
    commit
        .settled
        .push((rows[0].id, Sent::Delivered(receipt.clone())));
    let mut loser = commit.clone();
    loser.id = world.ids.commit();
    loser.sessions[0].0 = Some(Version(9));
    world.commit(&[loser]).await;
    assert_eq!(world.claim(NOW).await, [], "who lost has settled nothing");
    world.commit_all(&[commit]).await;
    let next = world.claim(NOW).await;
    assert_eq!(next.len(), 1, "the next of the lane goes");
    assert_eq!(next[0].previous, Some(receipt));
}

/// Audit entries keep their order, within a commit and from one to the next.
pub async fn audit_entries_keep_their_order(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.session();
    let mut group = Vec::new();
    for number in 0..4 {
        let mut commit = world.empty_commit();
        for part in ["a", "b"] {
            let what = format!("{number}{part}");
            commit.audit.push(entry(session.id, world.whose, &what));
        }
        group.push(commit);
    }
    let expected: Vec<_> = group
        .iter()
        .flat_map(|commit| commit.audit.clone())
        .collect();
    world.commit_all(&group).await;
    let first = PageOf::default();
    let page = world.directory.audit(Some(session.id), &first).await;
    let mut rows = ok(page, "read the audit log").rows;
    rows.reverse();
    let written: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(written, expected);
}
