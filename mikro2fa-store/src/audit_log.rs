//! The audit log's chains: one for each writer, so that nodes do not wait for each other, and checkpoints over all.
//!
//! A chain begins with each writing connection and is never taken up again: where it stands is known from memory, and
//! after a connection broke in the middle of a commit nobody has to guess.

use std::time::{Duration, Instant};

use mikro2fa_core::store::StoreError;
use sha2::{Digest, Sha256};

use crate::{
    dialect::{Dialect, HeadRow},
    error::Outcome,
    rows::audit::{EntryRow, hex},
};

mod verify;

pub(crate) use verify::verify;

/// The hash before a chain's first entry.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// A chain that is being written, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    number: i64,
    name: String,
    seq: i64,
    hash: [u8; 32],
}

/// An entry at its place.
#[derive(Debug)]
pub(crate) struct Linked<'a> {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
    pub(crate) row: &'a EntryRow,
}

/// Appends entries to the chain, which is begun if there is none, and gives it as it is then. It counts only once
/// the transaction is committed.
pub(crate) fn append(
    dialect: &mut dyn Dialect,
    chain: Option<&Chain>,
    entries: &[&EntryRow],
    now: i64,
) -> Outcome<Option<Chain>> {
    if entries.is_empty() {
        return Ok(chain.cloned());
    }
    let mut chain = match chain {
        Some(chain) => chain.clone(),
        None => begin(dialect, now)?,
    };
    let mut linked = Vec::with_capacity(entries.len());
    for row in entries {
        chain.seq += 1;
        chain.hash = row.hash(&chain.hash, &chain.name, chain.seq);
        linked.push(Linked {
            seq: chain.seq,
            hash: chain.hash,
            row,
        });
    }
    dialect.append(chain.number, &linked)?;
    Ok(Some(chain))
}

fn begin(dialect: &mut dyn Dialect, now: i64) -> Outcome<Chain> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}").into()))?;
    let name = hex(&random);
    Ok(Chain {
        number: dialect.begin_chain(&name, now)?,
        name,
        seq: 0,
        hash: GENESIS,
    })
}

/// When checkpoints are written.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    every: Duration,
    last: Instant,
}

impl Checkpoints {
    pub(crate) fn new(every: Duration) -> Self {
        Self {
            every,
            last: Instant::now(),
        }
    }

    /// Is it time for one?
    pub(crate) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    /// One was written.
    pub(crate) fn written(&mut self) {
        self.last = Instant::now();
    }
}

/// Writes a checkpoint over all chains that grew since the last one. The lock on checkpoints has to be held.
pub(crate) fn checkpoint(dialect: &mut dyn Dialect, now: i64) -> Outcome<()> {
    let heads = dialect.grown_chains()?;
    if heads.is_empty() {
        return Ok(());
    }
    let (seq, before) = match dialect.last_checkpoint()? {
        Some((seq, hash)) => (seq + 1, hash),
        None => (1, GENESIS.to_vec()),
    };
    let text = heads_text(&heads)?;
    let hash = checkpoint_hash(&before, seq, now, &text);
    dialect.write_checkpoint(seq, now, &text, &hash, &heads)?;
    Ok(())
}

/// Heads as JSON: `[[name, seq, hash], …]`.
fn heads_text(heads: &[HeadRow]) -> Result<String, StoreError> {
    let heads: Vec<(&str, i64, String)> = heads
        .iter()
        .map(|(_, name, seq, hash)| (name.as_str(), *seq, hex(hash)))
        .collect();
    crate::rows::json(&heads)
}

fn checkpoint_hash(before: &[u8], seq: i64, at: i64, heads: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(before)
        .chain_update(format!(r#"{{"at":{at},"heads":{heads},"seq":{seq}}}"#))
        .finalize()
        .into()
}
