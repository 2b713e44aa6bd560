//! What the database holds, and what one transaction does to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{CommitFault, chain::Chain, outbox::Outbox, records::Records};
use crate::{
    ban::Ban,
    book::Book,
    id::{AccountId, BanId, CommitId, InstallationId, NodeId, RouterId, SessionId},
    router_backend::Fence,
    session::Session,
    store::{BanChange, Commit, Committed, Memory, StoreError},
    time::Timestamp,
    tunnel::Text,
};

#[derive(Debug)]
pub(super) struct State {
    pub(super) desk: Records,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) books: BTreeMap<AccountId, Book>,
    pub(super) bans: BTreeMap<BanId, Ban>,
    pub(super) audit: Chain,
    pub(super) outbox: Outbox,
    pub(super) commits: BTreeMap<CommitId, Timestamp>,
    pub(super) updates: BTreeMap<Text, Timestamp>,
    holds: BTreeMap<RouterId, Hold>,
    pub(super) wall: Option<Timestamp>,
    pub(super) faults: Faults,
}

/// Who holds a router.
#[derive(Clone, Debug)]
struct Hold {
    node: Option<NodeId>,
    epoch: u64,
    until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Faults {
    pub(super) commits: VecDeque<CommitFault>,
    pub(super) full_until: Timestamp,
    pub(super) away_until: Timestamp,
    pub(super) turns: u32,
}

impl State {
    pub(super) fn new() -> Self {
        let installation = InstallationId::from_uuid(uuid::Uuid::from_u128(
            0x2fa0_0000_0000_4000_8000_0000_0000_0001,
        ));
        Self {
            desk: Records::new(installation),
            sessions: BTreeMap::new(),
            books: BTreeMap::new(),
            bans: BTreeMap::new(),
            audit: Chain::default(),
            outbox: Outbox::default(),
            commits: BTreeMap::new(),
            updates: BTreeMap::new(),
            holds: BTreeMap::new(),
            wall: None,
            faults: Faults {
                commits: VecDeque::new(),
                full_until: Timestamp(i64::MIN),
                away_until: Timestamp(i64::MIN),
                turns: 0,
            },
        }
    }

    pub(super) fn commit_group(
        &mut self,
        group: &[Commit],
        now: Timestamp,
    ) -> Result<Vec<Committed>, StoreError> {
        match self.faults.commits.pop_front() {
            None => Ok(self.write_group(group, now)),
            Some(CommitFault::Fails(error)) => Err(error),
            Some(CommitFault::Unknown { done }) => {
                if done {
                    self.write_group(group, now);
                }
                Err(StoreError::OutcomeUnknown)
            }
            Some(CommitFault::Conflict) => Ok(self.write_group_but(group, now, |commit| {
                let (_, session) = commit.sessions.first()?;
                Some(Committed::Conflict {
                    session: session.id,
                })
            })),
            Some(CommitFault::Refused(why)) => {
                Ok(self.write_group_but(group, now, |_| Some(Committed::Refused(why.clone()))))
            }
        }
    }

    fn write_group(&mut self, group: &[Commit], now: Timestamp) -> Vec<Committed> {
        group
            .iter()
            .map(|commit| self.commit_one(commit, now))
            .collect()
    }

    /// The first for which there is a `verdict` gets it, and is not written.
    fn write_group_but(
        &mut self,
        group: &[Commit],
        now: Timestamp,
        verdict: impl Fn(&Commit) -> Option<Committed>,
    ) -> Vec<Committed> {
        let mut given = false;
        group
            .iter()
            .map(|commit| match verdict(commit) {
                Some(verdict) if !given => {
                    given = true;
                    verdict
                }
                _ => self.commit_one(commit, now),
            })
            .collect()
    }

    fn commit_one(&mut self, commit: &Commit, now: Timestamp) -> Committed {
        if let Err(verdict) = self.judge(commit, now) {
            return verdict;
        }
        self.commits.insert(commit.id, now);
        if let Some(update) = &commit.update {
            self.updates.insert(update.clone(), now);
        }
        for (_, session) in &commit.sessions {
            self.sessions.insert(session.id, session.clone());
        }
        self.books.extend(commit.books.iter().cloned());
        for change in &commit.bans {
            match change {
                BanChange::Put(ban) => self.bans.insert(ban.id, ban.clone()),
                BanChange::Lift(id) => self.bans.remove(id),
            };
        }
        commit
            .audit
            .iter()
            .for_each(|entry| self.audit.append(entry.clone()));
        for (id, sent) in &commit.settled {
            self.outbox.settle(*id, None, sent);
        }
        for row in &commit.outbox {
            self.outbox.add(row.clone());
        }
        if let (Some(fence), Some(at)) = (&commit.fence, commit.gate_done) {
            let orders = &mut self.desk.orders;
            if orders
                .get(&fence.router)
                .is_some_and(|order| order.at == at)
            {
                orders.remove(&fence.router);
            }
        }
        Committed::Done
    }

    /// May it be written? The order of the questions is the contract's: what was done already stays done, whoever
    /// holds the router now.
    fn judge(&self, commit: &Commit, now: Timestamp) -> Result<(), Committed> {
        let repeated_update = commit
            .update
            .as_ref()
            .is_some_and(|update| self.updates.contains_key(update));
        if repeated_update || self.commits.contains_key(&commit.id) {
            return Err(Committed::Repeated);
        }
        if let Some(fence) = &commit.fence
            && !self.holds_still(fence, now)
        {
            return Err(Committed::Fenced);
        }
        for (stepped_from, session) in &commit.sessions {
            let stored = self.sessions.get(&session.id).map(|stored| stored.version);
            if stored != *stepped_from {
                return Err(Committed::Conflict {
                    session: session.id,
                });
            }
        }
        let mut ids = BTreeSet::new();
        for row in &commit.outbox {
            if !ids.insert(row.id) || self.outbox.knows(row.id) {
                return Err(Committed::Refused(
                    format!("a message with the id {} is there already", row.id).into(),
                ));
            }
        }
        Ok(())
    }

    fn holds_still(&self, fence: &Fence, now: Timestamp) -> bool {
        self.holds.get(&fence.router).is_some_and(|hold| {
            hold.node == Some(fence.node) && hold.epoch == fence.epoch && now < hold.until
        })
    }

    pub(super) fn is_served(&self, router: RouterId, now: Timestamp) -> bool {
        let a_minute_ago = Timestamp(now.0.saturating_sub(60_000));
        let hold = self.holds.get(&router);
        hold.is_some_and(|hold| hold.node.is_some() && hold.until > a_minute_ago)
    }

    pub(super) fn release(&mut self, fence: &Fence) {
        if let Some(hold) = self.holds.get_mut(&fence.router)
            && hold.node == Some(fence.node)
            && hold.epoch == fence.epoch
        {
            hold.node = None;
        }
    }

    /// Renews what is the node's, then takes what is free or lapsed by then.
    pub(super) fn hold(
        &mut self,
        node: NodeId,
        at_most: usize,
        until: Timestamp,
        lapsed_by: Timestamp,
    ) -> Vec<Fence> {
        let known: Vec<RouterId> = self.desk.routers.keys().copied().collect();
        self.holds.retain(|router, _| known.contains(router));
        let (ours, others): (Vec<_>, Vec<_>) = known.into_iter().partition(|router| {
            self.holds
                .get(router)
                .is_some_and(|hold| hold.node == Some(node))
        });
        let mut fences = Vec::new();
        for router in ours.into_iter().chain(others) {
            if fences.len() == at_most {
                break;
            }
            let hold = self.holds.entry(router).or_insert(Hold {
                node: None,
                epoch: 0,
                until: Timestamp(i64::MIN),
            });
            if hold.node != Some(node) {
                if hold.node.is_some() && hold.until > lapsed_by {
                    continue;
                }
                hold.node = Some(node);
                hold.epoch += 1;
            }
            hold.until = until;
            fences.push(Fence {
                router,
                node,
                epoch: hold.epoch,
                until,
            });
        }
        fences.sort_by_key(|fence| fence.router);
        fences
    }

    pub(super) fn memory(&self, router: RouterId, now: Timestamp) -> Memory {
        let decided = self.desk.accounts_of_router(router);
        Memory {
            books: self
                .books
                .iter()
                .filter(|(account, _)| decided.contains(account))
                .map(|(account, book)| (*account, book.clone()))
                .collect(),
            bans: self
                .bans
                .values()
                .filter(|ban| decided.contains(&ban.account) && holds(ban, now))
                .cloned()
                .collect(),
        }
    }
}

/// Does a ban hold at all?
pub(super) fn holds(ban: &Ban, now: Timestamp) -> bool {
    ban.until.is_none_or(|until| now < until)
}
