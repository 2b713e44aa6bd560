//! A group of commits on its way into one transaction: encoded before, judged inside, written at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use mikro2fa_core::{
    id::SessionId,
    store::{Commit, Committed, StoreError},
    tunnel::Text,
};

use crate::rows::{
    audit::EntryRow,
    ban::BanWrite,
    json,
    outbox::{NewMessage, Settled},
    plain,
    session::{SessionRow, version},
};

/// A commit as it will be written. Made by the caller, so that the writing thread only writes.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) fence: Option<FenceRow>,
    pub(crate) sessions: Vec<SessionWrite>,
    pub(crate) books: Vec<(String, String)>,
    pub(crate) bans: Vec<BanWrite>,
    pub(crate) audit: Vec<EntryRow>,
    pub(crate) outbox: Vec<NewMessage>,
    pub(crate) settled: Vec<Settled>,
    /// The order that was seen done: its router, and when it was given.
    pub(crate) gate_done: Option<(String, i64)>,
    pub(crate) update: Option<String>,
}

/// The right that a commit claims to have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FenceRow {
    pub(crate) router: String,
    pub(crate) node: String,
    pub(crate) epoch: i64,
}

/// A session, and the version that it was stepped from.
#[derive(Clone, Debug)]
pub(crate) struct SessionWrite {
    pub(crate) id: SessionId,
    pub(crate) base: Option<i64>,
    pub(crate) row: SessionRow,
}

/// A commit that can be written, or why it cannot.
pub(crate) type Drafted = Result<Draft, Text>;

/// Encodes a commit. What cannot be encoded is refused alone.
pub(crate) fn draft(commit: &Commit) -> Drafted {
    encode(commit).map_err(|error| error.to_string().into())
}

fn encode(commit: &Commit) -> Result<Draft, StoreError> {
    let fence = commit.fence.as_ref().map(|fence| FenceRow {
        router: fence.router.to_string(),
        node: fence.node.to_string(),
        epoch: i64::try_from(fence.epoch).unwrap_or(i64::MAX),
    });
    let node = fence.as_ref().map(|fence| &fence.node);
    Ok(Draft {
        id: commit.id.to_string(),
        sessions: commit
            .sessions
            .iter()
            .map(|(base, session)| {
                Ok(SessionWrite {
                    id: session.id,
                    base: base.map(version),
                    row: SessionRow::new(session)?,
                })
            })
            .collect::<Result<_, StoreError>>()?,
        books: commit
            .books
            .iter()
            .map(|(account, book)| Ok((account.to_string(), json(book)?)))
            .collect::<Result<_, StoreError>>()?,
        bans: collect(&commit.bans, BanWrite::new)?,
        audit: collect(&commit.audit, EntryRow::new)?,
        outbox: collect(&commit.outbox, NewMessage::new)?,
        settled: collect(&commit.settled, |(id, sent)| {
            Settled::new(*id, node.cloned(), sent)
        })?,
        gate_done: fence
            .as_ref()
            .zip(commit.gate_done)
            .map(|(fence, at)| (fence.router.clone(), at.millis())),
        update: commit.update.as_deref().map(plain).transpose()?,
        fence,
    })
}

fn collect<T, U>(
    items: &[T],
    make: impl Fn(&T) -> Result<U, StoreError>,
) -> Result<Vec<U>, StoreError> {
    items.iter().map(make).collect()
}

/// What has to be looked at, and locked, before a group can be judged. Sets are sorted, so that two nodes lock in
/// the same order.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) routers: BTreeSet<&'a str>,
    pub(crate) sessions: BTreeSet<&'a str>,
    pub(crate) commits: BTreeSet<&'a str>,
    pub(crate) updates: BTreeSet<&'a str>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn of(group: &'a [Drafted]) -> Self {
        let mut wanted = Self::default();
        for draft in group.iter().flatten() {
            wanted.commits.insert(&draft.id);
            wanted.updates.extend(draft.update.as_deref());
            wanted
                .routers
                .extend(draft.fence.as_ref().map(|fence| fence.router.as_str()));
            let ids = draft.sessions.iter().map(|session| session.row.id.as_str());
            wanted.sessions.extend(ids);
        }
        wanted
    }
}

/// In which table a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Table {
    /// Not settled.
    Open,
    /// Settled.
    Ended,
}

/// Who has the right to act for a router now.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) node: Option<String>,
    pub(crate) epoch: i64,
    /// The database's clock says that it has not lapsed.
    pub(crate) alive: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) holders: HashMap<String, Holder>,
    pub(crate) sessions: HashMap<String, (i64, Table)>,
    pub(crate) commits: HashSet<String>,
    pub(crate) updates: HashSet<String>,
}

impl Found {
    fn permits(&self, fence: &FenceRow) -> bool {
        self.holders.get(&fence.router).is_some_and(|holder| {
            holder.alive
                && holder.epoch == fence.epoch
                && holder.node.as_deref() == Some(fence.node.as_str())
        })
    }
}

/// What the winners of a group write, each row once, in the order in which rows have to be locked.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    /// By id, with the table that it is in before the group.
    pub(crate) sessions: BTreeMap<&'a str, (Option<Table>, &'a SessionRow)>,
    pub(crate) books: BTreeMap<&'a str, &'a str>,
    pub(crate) bans: BTreeMap<&'a str, &'a BanWrite>,
    pub(crate) audit: Vec<&'a EntryRow>,
    pub(crate) outbox: Vec<&'a NewMessage>,
    pub(crate) settled: BTreeMap<&'a str, &'a Settled>,
    pub(crate) gates_done: Vec<&'a (String, i64)>,
    pub(crate) commits: Vec<&'a str>,
    pub(crate) updates: Vec<&'a str>,
}

/// Drops the losers of a group: says what became of each, and what the winners write.
pub(crate) fn judge<'a>(group: &'a [Drafted], found: &Found) -> (Vec<Committed>, Batch<'a>) {
    let mut batch = Batch::default();
    // What earlier winners of this group made of it.
    let mut versions: HashMap<&str, i64> = HashMap::new();
    let mut seen = Seen::default();
    let verdicts = group
        .iter()
        .map(|drafted| {
            let draft = match drafted {
                Ok(draft) => draft,
                Err(why) => return Committed::Refused(Text::clone(why)),
            };
            if is_repeated(draft, found, &seen) {
                return Committed::Repeated;
            }
            if draft.fence.as_ref().is_some_and(|f| !found.permits(f)) {
                return Committed::Fenced;
            }
            match next_versions(draft, found, &versions) {
                Ok(next) => versions.extend(next),
                Err(verdict) => return verdict,
            }
            seen.commits.insert(&draft.id);
            seen.updates.extend(draft.update.as_deref());
            batch.add(draft, found);
            Committed::Done
        })
        .collect();
    (verdicts, batch)
}

#[derive(Default)]
struct Seen<'a> {
    commits: HashSet<&'a str>,
    updates: HashSet<&'a str>,
}

fn is_repeated(draft: &Draft, found: &Found, seen: &Seen<'_>) -> bool {
    let repeats = |update: &str| found.updates.contains(update) || seen.updates.contains(update);
    found.commits.contains(&draft.id)
        || seen.commits.contains(draft.id.as_str())
        || draft.update.as_deref().is_some_and(repeats)
}

/// The versions after this commit, if each of its sessions is still the one that it was stepped from.
fn next_versions<'a>(
    draft: &'a Draft,
    found: &Found,
    versions: &HashMap<&str, i64>,
) -> Result<HashMap<&'a str, i64>, Committed> {
    let mut next = HashMap::with_capacity(draft.sessions.len());
    for SessionWrite { id, base, row } in &draft.sessions {
        let key = row.id.as_str();
        let current = next
            .get(key)
            .or_else(|| versions.get(key))
            .copied()
            .or_else(|| found.sessions.get(key).map(|(version, _)| *version));
        if *base != current {
            return Err(Committed::Conflict { session: *id });
        }
        if base.is_some_and(|base| row.version <= base) {
            let why =
                format!("session {id} has to come with a later version than it was read with");
            return Err(Committed::Refused(why.into()));
        }
        next.insert(key, row.version);
    }
    Ok(next)
}

impl<'a> Batch<'a> {
    fn add(&mut self, draft: &'a Draft, found: &Found) {
        for SessionWrite { row, .. } in &draft.sessions {
            let table = found.sessions.get(&row.id).map(|(_, table)| *table);
            self.sessions.insert(&row.id, (table, row));
        }
        let books = draft.books.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        self.books.extend(books);
        self.bans
            .extend(draft.bans.iter().map(|ban| (ban.id(), ban)));
        self.audit.extend(&draft.audit);
        self.outbox.extend(&draft.outbox);
        let settled = draft.settled.iter().map(|row| (row.id.as_str(), row));
        self.settled.extend(settled);
        self.gates_done.extend(&draft.gate_done);
        self.commits.push(&draft.id);
        self.updates.extend(draft.update.as_deref());
    }
}

impl Batch<'_> {
    /// Did nobody win?
    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft(id: &str) -> Draft {
        Draft {
            id: id.to_owned(),
            fence: None,
            sessions: Vec::new(),
            books: Vec::new(),
            bans: Vec::new(),
            audit: Vec::new(),
            outbox: Vec::new(),
            settled: Vec::new(),
            gate_done: None,
            update: None,
        }
    }

    fn write(number: u128, base: Option<i64>, version: i64) -> SessionWrite {
        let id = SessionId::from_uuid(uuid::Uuid::from_u128(number));
        SessionWrite {
            id,
            base,
            row: SessionRow {
                id: id.to_string(),
                router: "r".to_owned(),
                account: "a".to_owned(),
                owner: "o".to_owned(),
                version,
                deadline: None,
                state_name: "requested",
                ended: false,
                settled: false,
                opened_at: 0,
                state: Vec::new(),
            },
        }
    }

    fn stored(sessions: &[(u128, i64)]) -> Found {
        let row = |&(number, version): &(u128, i64)| {
            let id = SessionId::from_uuid(uuid::Uuid::from_u128(number));
            (id.to_string(), (version, Table::Open))
        };
        Found {
            sessions: sessions.iter().map(row).collect(),
            ..Found::default()
        }
    }

    #[test]
    fn a_session_may_go_on_within_its_group() {
        let mut group = Vec::new();
        for (id, base, version) in [("a", None, 1), ("b", Some(1), 2), ("c", Some(1), 2)] {
            let mut draft = draft(id);
            draft.sessions.push(write(1, base, version));
            group.push(Ok(draft));
        }
        let (verdicts, batch) = judge(&group, &Found::default());
        let conflict = Committed::Conflict {
            session: SessionId::from_uuid(uuid::Uuid::from_u128(1)),
        };
        assert_eq!(verdicts, [Committed::Done, Committed::Done, conflict]);
        let written: Vec<_> = batch.sessions.values().collect();
        assert_eq!(written.len(), 1, "its row is written once");
        assert_eq!((written[0].0, written[0].1.version), (None, 2));
    }

    #[test]
    fn a_version_that_does_not_grow_is_refused() {
        let mut late = draft("a");
        late.sessions.push(write(1, Some(3), 3));
        let group = [Ok(late)];
        let (verdicts, batch) = judge(&group, &stored(&[(1, 3)]));
        assert!(matches!(verdicts.as_slice(), [Committed::Refused(_)]));
        assert!(batch.is_empty());
    }

    #[test]
    fn a_commit_that_loses_one_session_writes_none() {
        let mut both = draft("a");
        both.sessions = vec![write(1, Some(3), 4), write(2, Some(9), 10)];
        let group = [Ok(both)];
        let (verdicts, batch) = judge(&group, &stored(&[(1, 3), (2, 3)]));
        assert!(matches!(verdicts.as_slice(), [Committed::Conflict { .. }]));
        assert!(batch.sessions.is_empty());
    }

    #[test]
    fn an_update_is_no_commit() {
        let mut first = draft("same");
        first.update = Some("x".to_owned());
        let mut second = draft("other");
        second.update = Some("same".to_owned());
        let (verdicts, _) = judge(&[Ok(first), Ok(second)], &Found::default());
        assert_eq!(verdicts, [Committed::Done, Committed::Done]);
    }

    proptest! {
        /// Judging a group at once is judging its commits one after the other.
        #[test]
        fn a_group_is_its_commits_in_turn(
            commits in proptest::collection::vec((0..6_u8, 0..3_u128, 0..4_i64), 0..20),
        ) {
            let group: Vec<Drafted> = commits
                .iter()
                .map(|(id, session, base)| {
                    let mut draft = draft(&id.to_string());
                    let base = (*base > 0).then_some(*base);
                    draft.sessions.push(write(*session, base, base.unwrap_or(0) + 1));
                    Ok(draft)
                })
                .collect();
            let (at_once, _) = judge(&group, &Found::default());
            let mut found = Found::default();
            for (drafted, verdict) in group.iter().zip(at_once) {
                let (alone, batch) = judge(std::slice::from_ref(drafted), &found);
                prop_assert_eq!(&alone[0], &verdict);
                let written: Vec<_> = batch
                    .sessions
                    .values()
                    .map(|(_, row)| (row.id.clone(), (row.version, Table::Open)))
                    .collect();
                found.commits.extend(batch.commits.iter().map(|id| (*id).to_owned()));
                found.sessions.extend(written);
            }
        }
    }
}
