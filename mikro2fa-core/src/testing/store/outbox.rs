//! Messages to be delivered: lanes, claims, receipts.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{NodeId, OutboxId},
    store::{Claim, Lane, OutboxRow, Receipt, Sent},
    time::Timestamp,
    tunnel::Text,
};

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// In the order in which they were committed: ids of one millisecond are in no order.
    rows: BTreeMap<u64, Row>,
    added: u64,
    known: BTreeSet<OutboxId>,
    receipts: BTreeMap<Lane, Receipt>,
    dead: Vec<(OutboxRow, Text)>,
}

#[derive(Debug)]
struct Row {
    row: OutboxRow,
    claimed: Option<(NodeId, Timestamp)>,
}

impl Row {
    fn is_claimed(&self, now: Timestamp) -> bool {
        self.claimed.is_some_and(|(_, until)| now < until)
    }

    /// When it can be claimed, as far as is known.
    fn ready_at(&self) -> Timestamp {
        self.claimed
            .map_or(self.row.due, |(_, until)| until.max(self.row.due))
    }
}

impl Outbox {
    pub(super) fn add(&mut self, row: OutboxRow) {
        self.added += 1;
        self.known.insert(row.id);
        let row = Row { row, claimed: None };
        self.rows.insert(self.added, row);
    }

    /// Is there, or was there, a message with this id?
    pub(super) fn knows(&self, id: OutboxId) -> bool {
        self.known.contains(&id)
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &OutboxRow> {
        self.rows.values().map(|row| &row.row)
    }

    pub(super) fn dead(&self) -> &[(OutboxRow, Text)] {
        &self.dead
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Vec<OutboxRow> {
        self.drop_useless(claim.now);
        let mut ready: Vec<(u64, &Row)> = self
            .heads()
            .into_values()
            .filter(|(_, row)| !row.is_claimed(claim.now) && row.row.due <= claim.now)
            .collect();
        ready.sort_by_key(|(order, row)| (row.row.priority.rank(), row.row.due, *order));
        let orders: Vec<u64> = ready
            .into_iter()
            .take(claim.at_most)
            .map(|(order, _)| order)
            .collect();
        orders
            .into_iter()
            .filter_map(|order| self.hand_out(order, claim))
            .collect()
    }

    fn hand_out(&mut self, order: u64, claim: &Claim) -> Option<OutboxRow> {
        let row = self.rows.get_mut(&order)?;
        row.claimed = Some((claim.node, claim.until));
        let mut copy = row.row.clone();
        row.row.attempt += 1;
        copy.previous = self.receipts.get(&copy.lane).cloned();
        Some(copy)
    }

    /// Forgets what is past its use, and what a later row of its card replaces. What somebody is just sending stays.
    fn drop_useless(&mut self, now: Timestamp) {
        let newest: BTreeMap<Lane, u64> = self
            .rows
            .iter()
            .filter(|(_, row)| row.row.lane.is_card())
            .map(|(order, row)| (row.row.lane.clone(), *order))
            .collect();
        self.rows.retain(|order, row| {
            let over = row.row.useless_after.is_some_and(|after| now > after);
            let replaced = newest
                .get(&row.row.lane)
                .is_some_and(|newest| newest > order);
            row.is_claimed(now) || !(over || replaced)
        });
    }

    /// The row of each lane that has to go before all others of it.
    fn heads(&self) -> BTreeMap<&Lane, (u64, &Row)> {
        let mut heads = BTreeMap::new();
        for (order, row) in &self.rows {
            heads.entry(&row.row.lane).or_insert((*order, row));
        }
        heads
    }

    /// When a claim would next find something.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.heads()
            .into_values()
            .map(|(_, row)| row.ready_at())
            .min()
    }

    /// What became of a message; by the node that claimed it, where one is named.
    pub(super) fn settle(&mut self, id: OutboxId, by: Option<NodeId>, sent: &Sent) {
        let found = self.rows.iter().find(|(_, row)| row.row.id == id);
        let Some((&order, row)) = found else {
            return;
        };
        let claimed_by = row.claimed.map(|(node, _)| node);
        if by.is_some() && by != claimed_by {
            return;
        }
        if let Sent::Later { due, .. } = sent {
            if let Some(row) = self.rows.get_mut(&order) {
                row.row.due = *due;
                row.claimed = None;
            }
            return;
        }
        let Some(Row { row, .. }) = self.rows.remove(&order) else {
            return;
        };
        match sent {
            Sent::Delivered(receipt) => {
                self.receipts.insert(row.lane, receipt.clone());
            }
            Sent::Dead { reason } => self.dead.push((row, reason.clone())),
            Sent::Useless | Sent::Later { .. } => {}
        }
    }
}
