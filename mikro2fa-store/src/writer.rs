//! What the writing thread owns, and what it does with a group of commits.

use std::{
    fs::{File, TryLockError},
    path::PathBuf,
};

use diesel::Connection as _;
use mikro2fa_core::store::{Committed, StoreError};

use crate::{
    audit_log::{self, Chain, Checkpoints},
    config::{DatabaseUrl, Options, Role},
    connection::{AnyConnection, Purpose},
    error::{Failure, Outcome},
    group::{Batch, Drafted, Wanted, judge},
    migrate::migrate,
    rows::audit::EntryRow,
    threads::Link,
};

/// What the writing thread owns.
#[derive(Debug)]
pub(crate) struct Writer {
    link: Link,
    options: Options,
    chain: Option<Chain>,
    checkpoints: Checkpoints,
    /// Held as long as this process serves a database that is for one node.
    serving: Option<File>,
}

impl Writer {
    /// A writer that has not begun.
    pub(crate) fn new(url: DatabaseUrl, options: Options) -> Self {
        Self {
            link: Link::new(url, Purpose::Writing),
            checkpoints: Checkpoints::new(options.checkpoint_every),
            options,
            chain: None,
            serving: None,
        }
    }

    /// Writes in one transaction; `work` gets the time.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection, i64) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        let now = self.options.now();
        self.with(|connection| connection.write(|connection| work(connection, now)))
    }

    /// As [`write`](Self::write), and does not wait for the disk: for what may be lost with the machine.
    pub(crate) fn write_unsynced<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        self.with(|connection| connection.write_unsynced(work))
    }

    /// Opens the database and brings it up to date.
    pub(crate) fn begin(&mut self, role: Role, file: Option<PathBuf>) -> Result<(), StoreError> {
        if let (Role::Serve, Some(file)) = (role, file) {
            self.serving = Some(serve_alone(file)?);
        }
        let now = self.options.now();
        self.with(|connection| {
            migrate(connection)?;
            connection.write(|connection| {
                crate::directory::found_installation(connection, now)?;
                if role == Role::Serve {
                    connection.dialect().begin_serving()?;
                }
                Ok(())
            })
        })
    }

    /// A last checkpoint.
    pub(crate) fn end(&mut self) -> Result<(), StoreError> {
        if self.chain.is_none() {
            return Ok(());
        }
        let now = self.options.now();
        self.with(|connection| {
            connection.write(|connection| {
                connection.dialect().lock_checkpoints()?;
                audit_log::checkpoint(connection.dialect(), now)
            })
        })
    }

    /// Works on the writing connection. A chain does not outlive its connection.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        let result = self.link.with(work);
        if !self.link.is_open() {
            self.chain = None;
        }
        result
    }

    /// Runs work in one transaction with what the audit log tells of it, and with a checkpoint if one is due.
    pub(crate) fn audited<T>(
        &mut self,
        work: impl FnOnce(&mut AnyConnection, &mut Log<'_>) -> Outcome<T>,
    ) -> Result<T, StoreError> {
        let now = self.options.now();
        let due = self.checkpoints.is_due();
        let mut chain = self.chain.clone();
        let result = self.with(|connection| {
            connection.write(|connection| {
                if due {
                    connection.dialect().lock_checkpoints()?;
                }
                let mut log = Log {
                    chain: &mut chain,
                    now,
                };
                let result = work(connection, &mut log)?;
                if due {
                    audit_log::checkpoint(connection.dialect(), now)?;
                }
                Ok(result)
            })
        })?;
        if due {
            self.checkpoints.written();
        }
        self.chain = chain;
        Ok(result)
    }

    /// One transaction for the group. If a constraint stands against it, one savepoint for each commit.
    pub(crate) fn commit(&mut self, group: &[Drafted]) -> Result<Vec<Committed>, StoreError> {
        let mut culprit = false;
        let together = self.audited(|connection, log| {
            write_group(connection, log, group).inspect_err(|f| culprit = f.is_constraint())
        });
        match together {
            Err(_) if culprit => self.audited(|connection, log| {
                group
                    .iter()
                    .map(|drafted| write_alone(connection, log, std::slice::from_ref(drafted)))
                    .collect()
            }),
            result => result,
        }
    }
}

/// Where a transaction's audit entries go.
pub(crate) struct Log<'a> {
    chain: &'a mut Option<Chain>,
    pub(crate) now: i64,
}

impl Log<'_> {
    /// Appends entries.
    pub(crate) fn append(
        &mut self,
        connection: &mut AnyConnection,
        entries: &[&EntryRow],
    ) -> Outcome<()> {
        let chain = self.chain.as_ref();
        *self.chain = audit_log::append(connection.dialect(), chain, entries, self.now)?;
        Ok(())
    }
}

/// Locks, drops the losers, writes the winners.
fn write_group(
    connection: &mut AnyConnection,
    log: &mut Log<'_>,
    group: &[Drafted],
) -> Outcome<Vec<Committed>> {
    let wanted = Wanted::of(group);
    let found = connection.dialect().look(&wanted)?;
    let (verdicts, batch) = judge(group, &found);
    if !batch.is_empty() {
        write_batch(connection, log, &batch)?;
    }
    Ok(verdicts)
}

fn write_batch(
    connection: &mut AnyConnection,
    log: &mut Log<'_>,
    batch: &Batch<'_>,
) -> Outcome<()> {
    connection.dialect().write(batch, log.now)?;
    log.append(connection, &batch.audit)
}

/// One commit of a group in which something stands against one of them: the culprit is refused, and takes back only
/// what it wrote itself.
fn write_alone(
    connection: &mut AnyConnection,
    log: &mut Log<'_>,
    group: &[Drafted],
) -> Outcome<Committed> {
    let before = log.chain.clone();
    let savepoint = connection.transaction(|connection| write_group(connection, log, group));
    match savepoint {
        Ok(verdicts) => verdicts
            .into_iter()
            .next()
            .ok_or_else(|| Failure::Store(StoreError::Corrupt("a commit got no answer".into()))),
        Err(failure) if failure.is_constraint() => {
            *log.chain = before;
            let why = failure.into_store().to_string();
            Ok(Committed::Refused(why.into()))
        }
        Err(failure) => Err(failure),
    }
}

/// One process serves a file: what one node holds, it holds for ever.
fn serve_alone(file: PathBuf) -> Result<File, StoreError> {
    let lock = lock_of(file);
    let unavailable = |error: std::io::Error| {
        let lock = lock.display();
        StoreError::Unavailable(format!("{lock}: {error}").into())
    };
    let opened = File::options()
        .append(true)
        .create(true)
        .open(&lock)
        .map_err(unavailable)?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => Err(StoreError::Conflict(
            "another process serves this database: stop it first, or give this one a database of its own"
                .into(),
        )),
        Err(TryLockError::Error(error)) => Err(unavailable(error)),
    }
}

fn lock_of(file: PathBuf) -> PathBuf {
    let mut lock = file.into_os_string();
    lock.push(".lock");
    lock.into()
}

/// Does a process have the lock of whoever serves this file? One that was killed has lost it. Looking takes the lock for a moment
/// where nobody has it: there is no other way to ask.
pub(crate) fn is_file_served(file: PathBuf) -> bool {
    match File::open(lock_of(file)) {
        Ok(lock) => lock.try_lock_shared().is_err(),
        // It is made by the first one who serves.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
