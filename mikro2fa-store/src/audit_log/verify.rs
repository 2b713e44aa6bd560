//! Is the audit log whole? Reads all of it, a thousand rows at a time.

use std::collections::BTreeMap;

use diesel::prelude::*;
use mikro2fa_core::{directory::AuditReport, store::StoreError};

use crate::{
    audit_log::{GENESIS, checkpoint_hash},
    connection::AnyConnection,
    error::Outcome,
    rows::{
        audit::{StoredEntry, hex},
        from_json,
    },
    schema::{audit_chains, audit_checkpoints, audit_entries},
};

const PAGE: i64 = 1_000;

/// A chain as it is stored: id, name, seq, hash, covered.
type ChainRow = (i64, String, i64, Vec<u8>, i64);

/// Checks chains and checkpoints. Has to run in one reading transaction.
pub(crate) fn verify(connection: &mut AnyConnection) -> Outcome<AuditReport> {
    let mut report = Report(AuditReport::default());
    let chains: Vec<ChainRow> = audit_chains::table
        .select((
            audit_chains::id,
            audit_chains::name,
            audit_chains::seq,
            audit_chains::hash,
            audit_chains::covered,
        ))
        .order(audit_chains::id)
        .load(connection)?;
    for chain in &chains {
        check_chain(connection, chain, &mut report)?;
    }
    let covered = check_checkpoints(connection, &chains, &mut report)?;
    for (_, name, _, _, was_covered) in &chains {
        if covered.get(name).copied().unwrap_or(0) < *was_covered {
            report.problem(format!(
                "chain {name}: checkpoints up to entry {was_covered} are missing"
            ));
        }
    }
    Ok(report.0)
}

struct Report(AuditReport);

impl Report {
    fn problem(&mut self, what: String) {
        self.0.problems.push(what.into());
    }
}

fn check_chain(
    connection: &mut AnyConnection,
    (number, name, last, head, _): &ChainRow,
    report: &mut Report,
) -> Outcome<()> {
    let (mut before, mut expected) = (GENESIS.to_vec(), 1);
    loop {
        let entries: Vec<StoredEntry> = audit_entries::table
            .filter(audit_entries::chain.eq(number))
            .filter(audit_entries::seq.ge(expected))
            .order(audit_entries::seq)
            .limit(PAGE)
            .select(StoredEntry::as_select())
            .load(connection)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let (seq, hash) = (entry.seq, entry.hash.clone());
            check_entry(entry, name, &before, expected, report);
            (before, expected) = (hash, seq + 1);
        }
    }
    if expected <= *last {
        report.problem(format!(
            "chain {name}: its end is missing, from entry {expected} to {last}"
        ));
    } else if before != *head || expected - 1 > *last {
        report.problem(format!("chain {name}: it does not end where it should"));
    }
    if expected > 1 {
        report.0.chains += 1;
        let head = (name.as_str().into(), hex(&before).into());
        report.0.heads.push(head);
    }
    Ok(())
}

fn check_entry(entry: StoredEntry, chain: &str, before: &[u8], expected: i64, report: &mut Report) {
    report.0.entries += 1;
    let (seq, hash) = (entry.seq, entry.hash.clone());
    let row = entry.row();
    if seq > expected {
        report.problem(format!(
            "chain {chain}: missing from entry {expected} to {}",
            seq - 1
        ));
    } else if row.hash(before, chain, seq).as_slice() != hash {
        report.problem(format!("chain {chain}: entry {seq} was changed"));
    } else if !row.personal_is_whole() {
        report.problem(format!(
            "chain {chain}: names or addresses of entry {seq} were changed"
        ));
    }
}

/// Checks the checkpoints; says how far they cover each chain.
fn check_checkpoints(
    connection: &mut AnyConnection,
    chains: &[ChainRow],
    report: &mut Report,
) -> Outcome<BTreeMap<String, i64>> {
    let numbers: BTreeMap<&str, i64> = chains.iter().map(|c| (c.1.as_str(), c.0)).collect();
    let (mut before, mut expected) = (GENESIS.to_vec(), 1);
    let mut covered = BTreeMap::new();
    loop {
        let page: Vec<(i64, i64, String, Vec<u8>)> = audit_checkpoints::table
            .filter(audit_checkpoints::seq.ge(expected))
            .order(audit_checkpoints::seq)
            .limit(PAGE)
            .load(connection)?;
        if page.is_empty() {
            return Ok(covered);
        }
        for (seq, at, text, hash) in page {
            if seq > expected {
                let last = seq - 1;
                report.problem(format!("checkpoints {expected} to {last} are missing"));
            } else if checkpoint_hash(&before, seq, at, &text).as_slice() != hash {
                report.problem(format!("checkpoint {seq} was changed"));
            }
            let heads: Result<Vec<(String, i64, String)>, StoreError> =
                from_json("a checkpoint", &text);
            for (name, head, hash) in heads.unwrap_or_default() {
                let found = match numbers.get(name.as_str()) {
                    Some(number) => hash_at(connection, *number, head)?,
                    None => None,
                };
                if found.as_deref().map(hex) != Some(hash) {
                    report.problem(format!(
                        "checkpoint {seq}: entry {head} of chain {name} is gone or was changed"
                    ));
                }
                covered.insert(name, head);
            }
            (before, expected) = (hash, seq + 1);
        }
    }
}

fn hash_at(connection: &mut AnyConnection, chain: i64, seq: i64) -> Outcome<Option<Vec<u8>>> {
    Ok(audit_entries::table
        .filter(audit_entries::chain.eq(chain))
        .filter(audit_entries::seq.eq(seq))
        .select(audit_entries::hash)
        .first(connection)
        .optional()?)
}
