//! Messages.

use mikro2fa_core::{
    id::OutboxId,
    store::{Lane, OutboxRow, Priority, Receipt, Sent, StoreError},
    time::Timestamp,
};

use crate::rows::{count, from_json, id, json, millis, plain};

/// A message as it is written.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage {
    pub(crate) id: String,
    pub(crate) lane: String,
    pub(crate) card: bool,
    pub(crate) priority: i64,
    pub(crate) notice: String,
    pub(crate) due: i64,
    pub(crate) useless_after: Option<i64>,
    pub(crate) attempt: i64,
}

impl NewMessage {
    pub(crate) fn new(row: &OutboxRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.to_string(),
            lane: plain(&row.lane.0)?,
            card: row.lane.is_card(),
            priority: row.priority.rank().into(),
            notice: json(&row.notice)?,
            due: row.due.millis(),
            useless_after: millis(row.useless_after),
            attempt: row.attempt.into(),
        })
    }
}

/// A message as it is claimed: number, id, lane, card, priority, notice, due, useless after, attempt.
pub(crate) type MessageRow = (
    i64,
    String,
    String,
    bool,
    i64,
    String,
    i64,
    Option<i64>,
    i64,
);

/// The message of a row.
pub(crate) fn message(row: MessageRow, previous: Option<String>) -> Result<OutboxRow, StoreError> {
    let (_, row_id, lane, _, priority, notice, due, useless_after, attempt) = row;
    Ok(OutboxRow {
        id: id::<OutboxId>("a message", &row_id)?,
        lane: Lane(lane.into()),
        priority: from_rank(priority)?,
        notice: from_json("a message", &notice)?,
        due: Timestamp(due),
        useless_after: useless_after.map(Timestamp),
        attempt: count("attempts of a message", attempt)?,
        previous: previous.map(|receipt| Receipt(receipt.into())),
    })
}

fn from_rank(rank: i64) -> Result<Priority, StoreError> {
    [
        Priority::Question,
        Priority::Closing,
        Priority::Reminder,
        Priority::Reply,
        Priority::Info,
        Priority::Least,
    ]
    .into_iter()
    .find(|priority| i64::from(priority.rank()) == rank)
    .ok_or_else(|| crate::error::corrupt(format_args!("a message: unknown priority {rank}")))
}

/// What became of a message, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) id: String,
    /// Who says so; only the one that holds it may put it off or give it up.
    pub(crate) node: Option<String>,
    pub(crate) fate: Fate,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It goes; its lane keeps the receipt.
    Delivered(String),
    /// It goes.
    Dropped,
    /// It waits.
    Later { due: i64, reason: String },
}

impl Settled {
    pub(crate) fn new(
        row: OutboxId,
        node: Option<String>,
        sent: &Sent,
    ) -> Result<Self, StoreError> {
        let fate = match sent {
            Sent::Delivered(receipt) => Fate::Delivered(plain(&receipt.0)?),
            Sent::Useless => Fate::Dropped,
            Sent::Dead { reason } => {
                tracing::warn!(message = %row, %reason, "a message was given up");
                Fate::Dropped
            }
            Sent::Later { due, reason } => Fate::Later {
                due: due.millis(),
                reason: reason.replace('\0', " "),
            },
        };
        Ok(Self {
            id: row.to_string(),
            node,
            fate,
        })
    }
}
