//! What a start reads back.

use super::{StoreBench, World};
use crate::{
    book::Book,
    conformance::{
        ok,
        sample::{MINUTE, NOW, ban, every_state, next, over, requested},
    },
    id::SessionId,
    session::Session,
    store::BanChange,
    tunnel::Caller,
};

impl World {
    async fn open(&self, after: Option<SessionId>, limit: usize) -> Vec<SessionId> {
        let sessions = self.store.open_sessions(self.whose.router, after, limit);
        let sessions = ok(sessions.await, "read open sessions");
        sessions.iter().map(|session| session.id).collect()
    }
}

/// A session comes back as it went in, in every state.
pub async fn a_session_comes_back_as_it_went_in(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let sessions: Vec<_> = every_state(&world.ids, world.whose)
        .into_iter()
        .map(|state| Session {
            state,
            trial: true,
            ..world.session()
        })
        .collect();
    let group: Vec<_> = sessions
        .iter()
        .map(|session| world.commit_of(session))
        .collect();
    world.commit_all(&group).await;
    for session in &sessions {
        assert_eq!(world.stored(session.id).await.as_ref(), Some(session));
    }
    let open = world.store.open_sessions(world.whose.router, None, 100);
    assert_eq!(ok(open.await, "read open sessions"), sessions);
}

/// A session that nobody wrote is not there.
pub async fn what_was_never_written_is_not_there(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    assert_eq!(world.stored(world.ids.session()).await, None);
}

/// A start reads what is not settled, of its router only, by id, page by page.
pub async fn open_sessions_come_in_pages(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut sessions: Vec<_> = (0..5).map(|_| world.session()).collect();
    let foreign = requested(world.ids.session(), world.elsewhere);
    let mut foreign_commit = world.commit_of(&foreign);
    foreign_commit.fence = None;
    sessions.reverse();
    let mut group: Vec<_> = sessions
        .iter()
        .map(|session| world.commit_of(session))
        .collect();
    group.push(foreign_commit);
    world.commit_all(&group).await;
    let mut expected: Vec<_> = sessions.iter().map(|session| session.id).collect();
    expected.sort();
    assert_eq!(world.open(None, 100).await, expected, "only this router's");
    assert_eq!(world.open(None, 2).await, expected[..2]);
    assert_eq!(world.open(Some(expected[1]), 2).await, expected[2..4]);
    assert_eq!(world.open(Some(expected[3]), 2).await, expected[4..]);
    assert_eq!(world.open(Some(expected[4]), 2).await, []);
}

/// What is over and has nothing left on its router is not read at a start, and can still be read by its id.
pub async fn a_settled_session_is_not_open(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let (stays, settled) = (world.session(), world.session());
    let ended = next(&settled, over());
    world
        .commit_all(&[world.commit_of(&stays), world.commit_of(&settled)])
        .await;
    world.commit_all(&[world.commit_of(&ended)]).await;
    assert_eq!(world.open(None, 100).await, [stays.id]);
    assert_eq!(world.stored(settled.id).await, Some(ended));
}

/// A start reads what is remembered of the accounts that its router's sources decide, and of no others.
pub async fn a_router_remembers_its_own_accounts(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let book = |minutes| {
        let mut book = Book::default();
        book.prompted(NOW + MINUTE * minutes);
        book.confirmed(Some(&Caller::parse("203.0.113.7")), NOW);
        book
    };
    let mut commit = world.empty_commit();
    let (here, elsewhere) = (world.whose.account, world.elsewhere.account);
    commit.books = vec![(here, book(1)), (elsewhere, book(2))];
    let (ours, theirs) = (ban(world.ids.ban(), here), ban(world.ids.ban(), elsewhere));
    commit.bans = vec![BanChange::Put(ours.clone()), BanChange::Put(theirs)];
    world.commit_all(&[commit]).await;
    let memory = ok(
        world.store.memory(world.whose.router).await,
        "read the memory",
    );
    assert_eq!(memory.books, [(here, book(1))]);
    assert_eq!(memory.bans, [ours]);
}

/// The later book of an account takes the place of the one before.
pub async fn a_book_is_replaced(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut book = Book::default();
    for _ in 0..2 {
        book.prompted(NOW);
        let mut commit = world.empty_commit();
        commit.books.push((world.whose.account, book.clone()));
        world.commit_all(&[commit]).await;
    }
    let memory = ok(
        world.store.memory(world.whose.router).await,
        "read the memory",
    );
    assert_eq!(memory.books, [(world.whose.account, book)]);
}

/// A ban that is put again is changed; one that is lifted holds no longer, and lifting it twice is no error.
pub async fn a_ban_is_changed_and_lifted(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let first = ban(world.ids.ban(), world.whose.account);
    let mut changed = first.clone();
    changed.note = "by an operator".into();
    for put in [&first, &changed] {
        let mut commit = world.empty_commit();
        commit.bans.push(BanChange::Put(put.clone()));
        world.commit_all(&[commit]).await;
    }
    let memory = ok(
        world.store.memory(world.whose.router).await,
        "read the memory",
    );
    assert_eq!(memory.bans, [changed]);
    for _ in 0..2 {
        let mut commit = world.empty_commit();
        commit.bans.push(BanChange::Lift(first.id));
        world.commit_all(&[commit]).await;
        let memory = ok(
            world.store.memory(world.whose.router).await,
            "read the memory",
        );
        assert_eq!(memory.bans, []);
    }
}
