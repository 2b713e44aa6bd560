//! What a step asks of the outside. Router state is not among it: that is compared, every round, by `enforcement`.

use crate::{
    audit::AuditEntry,
    ban::BanScope,
    notifier::{Alert, Card, Delivery, Inform},
    tunnel::{Caller, Text},
};

/// Something to be done once the transition is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Look at the router soon. May be lost: the next look finds the same.
    Look,
    /// Show the session's card.
    Card(Card, Delivery),
    /// Tell the owner something once.
    Inform(Inform),
    /// Tell the operators.
    Alert(Alert),
    /// A question was put: it counts towards the hour's limit.
    Prompted,
    /// A question from this caller was not answered in time.
    Unanswered {
        /// From where its tunnel came.
        caller: Option<Caller>,
    },
    /// Ban.
    Ban {
        /// Whom.
        scope: BanScope,
        /// For people.
        note: Text,
    },
    /// This caller's tunnel was confirmed by the account's owner.
    CallerConfirmed {
        /// From where.
        caller: Option<Caller>,
    },
}

/// What a step pushes to; cleared and used again by the caller.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Out {
    /// In the order they came up.
    pub effects: Vec<Effect>,
    /// What goes to the audit log in the same transaction.
    pub audit: Vec<AuditEntry>,
}

impl Out {
    /// Empties both, and keeps what was allocated.
    pub fn clear(&mut self) {
        self.effects.clear();
        self.audit.clear();
    }
}
