//! The audit log: read page by page, and checked.

use super::{Filled, desk_entry, page};
use crate::{
    conformance::{
        ok,
        sample::{entry, requested},
        store::StoreBench,
    },
    directory::AuditRow,
    id::SessionId,
    store::Commit,
};

impl Filled {
    async fn log(&self, session: Option<SessionId>, limit: usize) -> Vec<AuditRow> {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let log = self.directory.audit(session, &page(after, limit)).await;
            let log = ok(log, "read a page of the audit log");
            assert!(log.rows.len() <= limit);
            rows.extend(log.rows);
            after = log.next;
            if after.is_none() {
                return rows;
            }
        }
    }

    /// Changes at the desk and commits of sessions, in turns; says what the log has to hold, newest first.
    async fn history(&self, session: SessionId) -> Vec<crate::audit::AuditEntry> {
        let mut expected = Vec::new();
        for number in 0..4 {
            let at_desk = desk_entry(&format!("change {number}"));
            let result = self
                .directory
                .change(Vec::new(), vec![at_desk.clone()])
                .await;
            ok(result, "change nothing but the log");
            let of_session = entry(session, self.whose, &format!("step {number}"));
            let mut commit = Commit::new(self.ids.commit(), None);
            commit.audit.push(of_session.clone());
            ok(self.store.commit(&[commit]).await, "commit an entry");
            expected.push(at_desk);
            expected.push(of_session);
        }
        expected.reverse();
        expected
    }
}

/// The log holds what was done at the desk and what became of sessions, newest first, each entry once over all pages.
pub async fn the_log_holds_everything_once(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let session = requested(filled.ids.session(), filled.whose).id;
    let expected = filled.history(session).await;
    let rows = filled.log(None, 3).await;
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(entries, expected);
}

/// Of one session only its own entries are read.
pub async fn a_sessions_log_is_its_own(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let session = requested(filled.ids.session(), filled.whose).id;
    let expected: Vec<_> = filled
        .history(session)
        .await
        .into_iter()
        .filter(|entry| entry.session == Some(session))
        .collect();
    let rows = filled.log(Some(session), 3).await;
    let entries: Vec<_> = rows.into_iter().map(|row| row.entry).collect();
    assert_eq!(entries, expected);
    assert_eq!(filled.log(Some(filled.ids.session()), 3).await, []);
}

/// An empty log is whole.
pub async fn an_empty_log_is_whole(bench: &impl StoreBench) {
    let report = ok(bench.directory().verify_audit().await, "check the log");
    assert_eq!(report.entries, 0);
    assert_eq!(report.problems, Vec::<crate::tunnel::Text>::new());
}

/// A log that nobody tampered with is whole, and its end is told, so that it can be kept elsewhere.
pub async fn an_untouched_log_is_whole(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let session = requested(filled.ids.session(), filled.whose).id;
    let expected = filled.history(session).await;
    let before = ok(filled.directory.verify_audit().await, "check the log");
    assert_eq!(before.problems, Vec::<crate::tunnel::Text>::new());
    assert_eq!(before.entries, u64::try_from(expected.len()).unwrap_or(0));
    assert!(before.chains >= 1);
    assert!(!before.heads.is_empty(), "its end is told");
    filled.history(session).await;
    let after = ok(filled.directory.verify_audit().await, "check the log");
    assert_eq!(after.problems, Vec::<crate::tunnel::Text>::new());
    assert_ne!(
        after.heads, before.heads,
        "and is another after more entries"
    );
}
