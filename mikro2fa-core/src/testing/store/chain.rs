//! The audit log, each entry chained to the one before it by a hash.

use sha2::{Digest as _, Sha256};

use crate::{
    audit::AuditEntry,
    directory::{AuditReport, AuditRow},
    tunnel::Text,
};

type Hash = [u8; 32];

#[derive(Debug, Default)]
pub(super) struct Chain {
    links: Vec<Link>,
    head: Hash,
}

#[derive(Debug)]
struct Link {
    seq: u64,
    entry: AuditEntry,
    hash: Hash,
}

impl Chain {
    pub(super) const fn len(&self) -> usize {
        self.links.len()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &AuditEntry> {
        self.links.iter().map(|link| &link.entry)
    }

    pub(super) fn append(&mut self, entry: AuditEntry) {
        let seq = self.links.last().map_or(0, |link| link.seq) + 1;
        let hash = hash_of(&self.head, seq, &entry);
        self.head = hash;
        self.links.push(Link { seq, entry, hash });
    }

    /// The newest first, from before `before`.
    pub(super) fn page(
        &self,
        of: impl Fn(&AuditEntry) -> bool,
        before: Option<u64>,
    ) -> impl Iterator<Item = AuditRow> {
        self.links
            .iter()
            .rev()
            .filter(move |link| before.is_none_or(|before| link.seq < before))
            .filter(move |link| of(&link.entry))
            .map(|link| AuditRow {
                seq: link.seq,
                entry: link.entry.clone(),
            })
    }

    pub(super) fn verify(&self) -> AuditReport {
        let mut report = AuditReport::default();
        let (mut before, mut expected) = (Hash::default(), 1);
        for link in &self.links {
            report.entries += 1;
            if link.seq != expected {
                report
                    .problems
                    .push(format!("entry {expected} is missing").into());
            } else if hash_of(&before, link.seq, &link.entry) != link.hash {
                report
                    .problems
                    .push(format!("entry {expected} was changed").into());
            }
            (before, expected) = (link.hash, link.seq + 1);
        }
        if before != self.head {
            report
                .problems
                .push(format!("entry {expected} is missing").into());
        }
        if !self.links.is_empty() {
            report.chains = 1;
            report.heads.push(("memory".into(), hex(&before)));
        }
        report
    }

    pub(super) fn tamper(&mut self, seq: u64, tamper: impl FnOnce(&mut AuditEntry)) {
        if let Some(link) = self.links.iter_mut().find(|link| link.seq == seq) {
            tamper(&mut link.entry);
        }
    }

    pub(super) fn cut(&mut self, seq: u64) {
        self.links.retain(|link| link.seq != seq);
    }
}

fn hash_of(before: &Hash, seq: u64, entry: &AuditEntry) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(seq.to_be_bytes());
    // Entries are plain data: writing one as JSON does not fail. If it did, the chain would not verify.
    hasher.update(serde_json::to_vec(entry).unwrap_or_default());
    hasher.finalize().into()
}

fn hex(hash: &Hash) -> Text {
    crate::directory::Digest(*hash).hex().into()
}
