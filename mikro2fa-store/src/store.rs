//! [`DieselStore`], and the hot path's port.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use mikro2fa_core::{
    id::{NodeId, OutboxId, RouterId, SessionId},
    router_backend::Fence,
    session::Session,
    store::{Claim, Commit, Committed, Memory, OutboxRow, Sent, Store, StoreError},
    time::Timestamp,
};

use crate::{
    config::{DatabaseUrl, Options, Role},
    connection::{AnyConnection, Purpose},
    dialect::ClaimRow,
    error::Outcome,
    group::{Drafted, draft},
    rows::{self, outbox::Settled, session::Stored},
    sealed::Key,
    threads::{Link, Threads},
    writer::Writer,
};

/// How far a node's clock may be off the database's, in milliseconds.
const MOST_SKEW: u64 = 2_000;

/// A database: the [`Store`] of an engine, and the [`mikro2fa_core::directory::Directory`] of its desk.
///
/// Clones are the same database. When the last one goes, work that was sent is done and the connections close;
/// [`DieselStore::close`] does that too, and writes a last checkpoint of the audit log.
#[derive(Clone, Debug)]
pub struct DieselStore {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) writer: Threads<Writer>,
    pub(crate) readers: Threads<Link>,
    pub(crate) key: Key,
    /// Dated by the system's clock, which can be compared with the database's.
    by_system_clock: bool,
    /// The file, where another process may serve it.
    pub(crate) beside: Option<PathBuf>,
}

impl DieselStore {
    /// Opens a database, makes it if it is a file that is not there, and brings it up to this program's version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Newer`] if a later version made it; [`StoreError::Unavailable`] if it cannot be reached;
    /// [`StoreError::Conflict`] if another process serves this file; [`StoreError::Corrupt`] if it is no database.
    pub async fn open(url: &DatabaseUrl, key: &Key, options: Options) -> Result<Self, StoreError> {
        let of = options.readers.clamp(1, 16);
        let role = options.role;
        let by_system_clock = options.clock.is_none();
        let writer = Threads::start("store-writer", vec![Writer::new(url.clone(), options)])?;
        let file = url.file().map(PathBuf::from);
        let beside = file.clone().filter(|_| role != Role::Serve);
        writer.run(move |writer| writer.begin(role, file)).await?;
        let links = (0..of)
            .map(|_| Link::new(url.clone(), Purpose::Reading { of }))
            .collect();
        let readers = Threads::start("store-reader", links)?;
        let key = key.clone();
        Ok(Self {
            shared: Arc::new(Shared {
                writer,
                readers,
                key,
                by_system_clock,
                beside,
            }),
        })
    }

    /// Ends all work, writes a last checkpoint of the audit log, and closes all connections. Whatever is asked of
    /// this database later fails with [`StoreError::Unavailable`].
    ///
    /// # Errors
    ///
    /// If the checkpoint could not be written; everything is closed all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        let result = self.shared.writer.run(Writer::end).await;
        let shared = Arc::clone(&self.shared);
        // Joining waits for work that is under way: not on an async thread.
        let (closed, closing) = tokio::sync::oneshot::channel();
        let join = move || {
            shared.readers.stop();
            shared.writer.stop();
            let _ = closed.send(());
        };
        std::thread::Builder::new()
            .name("store-closer".to_owned())
            .spawn(join)
            .map_err(|error| StoreError::Unavailable(format!("no thread: {error}").into()))?;
        let _ = closing.await;
        result
    }

    /// Reads on a connection of a reading thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = move |link: &mut Link| link.with(work);
        self.shared.readers.run(work).await
    }

    /// Writes in one transaction on the writing thread.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection, i64) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let work = move |writer: &mut Writer| writer.write(work);
        self.shared.writer.run(work).await
    }
}

/// Leases are judged by the database's clock: a node whose own is far off it takes no routers.
fn check_clock(database: Option<i64>, ours: i64) -> Result<(), StoreError> {
    let off = database.map_or(0, |database| database.abs_diff(ours));
    if off <= MOST_SKEW {
        return Ok(());
    }
    let seconds = off / 1_000;
    let why = format!("this machine's clock is {seconds} s off the database's: set both by NTP");
    Err(StoreError::Unavailable(why.into()))
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for DieselStore {
    async fn commit(&self, group: &[Commit]) -> Result<Vec<Committed>, StoreError> {
        if group.is_empty() {
            return Ok(Vec::new());
        }
        let group: Vec<Drafted> = group.iter().map(draft).collect();
        let work = move |writer: &mut Writer| writer.commit(&group);
        self.shared.writer.run(work).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let id = id.to_string();
        self.read(move |connection| {
            let found = connection.dialect().session(&id)?;
            Ok(found.map(|Stored(session)| session).transpose()?)
        })
        .await
    }

    async fn open_sessions(
        &self,
        router: RouterId,
        after: Option<SessionId>,
        at_most: usize,
    ) -> Result<Vec<Session>, StoreError> {
        let (router, after) = (router.to_string(), after.map(|id| id.to_string()));
        self.read(move |connection| {
            let after = after.as_deref();
            let found = connection
                .dialect()
                .open_sessions(&router, after, limit(at_most))?;
            Ok(found
                .into_iter()
                .map(|Stored(session)| session)
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn memory(&self, router: RouterId) -> Result<Memory, StoreError> {
        self.read(move |connection| crate::directory::memory(connection, router))
            .await
    }

    async fn claim_outbox(&self, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError> {
        let claim = ClaimRow {
            node: claim.node.to_string(),
            at_most: limit(claim.at_most),
            until: claim.until.millis(),
            now: claim.now.millis(),
        };
        // A claim that is lost with the machine is a message that goes out once more, as one does that was not settled.
        let work = move |writer: &mut Writer| {
            writer.write_unsynced(|connection| Ok(connection.dialect().claim(&claim)?))
        };
        let rows = self.shared.writer.run(work).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(row, receipt)| {
                let id = row.1.clone();
                // One that does not read holds up its own lane only; it comes again when its claim is over.
                rows::outbox::message(row, receipt)
                    .inspect_err(|error| tracing::error!(message = id, %error, "unreadable"))
                    .ok()
            })
            .collect())
    }

    async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| Ok(connection.dialect().outbox_due()?.map(Timestamp)))
            .await
    }

    async fn settle_outbox(
        &self,
        node: NodeId,
        sent: &[(OutboxId, Sent)],
    ) -> Result<(), StoreError> {
        let node = node.to_string();
        let mut settled = sent
            .iter()
            .map(|(id, sent)| Settled::new(*id, Some(node.clone()), sent))
            .collect::<Result<Vec<_>, _>>()?;
        settled.sort_by(|a, b| a.id.cmp(&b.id));
        self.write(move |connection, now| {
            let settled: Vec<&Settled> = settled.iter().collect();
            Ok(connection.dialect().settle(&settled, now)?)
        })
        .await
    }

    async fn hold_routers(
        &self,
        node: NodeId,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        let name = node.to_string();
        let by_system_clock = self.shared.by_system_clock;
        let held = self
            .write(move |connection, now| {
                if by_system_clock {
                    check_clock(connection.dialect().clock()?, now)?;
                }
                Ok(connection.dialect().hold(&name, limit(at_most), lease)?)
            })
            .await?;
        held.into_iter()
            .map(|(router, epoch, until)| {
                Ok(Fence {
                    router: rows::id("a router", &router)?,
                    node,
                    epoch: rows::count("an epoch", epoch)?,
                    until: Timestamp(until),
                })
            })
            .collect()
    }

    async fn release_routers(&self, fences: &[Fence]) -> Result<(), StoreError> {
        let mut fences: Vec<(String, String, i64)> = fences
            .iter()
            .map(|fence| {
                let epoch = i64::try_from(fence.epoch).unwrap_or(i64::MAX);
                (fence.router.to_string(), fence.node.to_string(), epoch)
            })
            .collect();
        fences.sort();
        self.write(move |connection, _| {
            for (router, node, epoch) in &fences {
                connection.dialect().release(router, node, *epoch)?;
            }
            Ok(())
        })
        .await
    }

    async fn touch_clock(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.write(move |connection, _| crate::directory::touch_clock(connection, now))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_takes_no_routers() {
        assert_eq!(check_clock(None, 0), Ok(()));
        assert_eq!(check_clock(Some(10_000), 12_000), Ok(()));
        for ours in [12_001, 7_999] {
            let error = check_clock(Some(10_000), ours).unwrap_err();
            assert!(error.to_string().contains("2 s off"), "{error}");
        }
    }
}
