//! A connection to either database. The desk uses it as it is; the hot path matches it once and uses what is inside.

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager};
use mikro2fa_core::store::StoreError;

#[cfg(feature = "postgresql")]
use crate::dialect::postgresql;
#[cfg(feature = "sqlite")]
use crate::dialect::sqlite;
use crate::{
    config::{DatabaseUrl, Place},
    dialect::Dialect,
    error::{Failure, Outcome},
};

#[cfg(not(any(feature = "sqlite", feature = "postgresql")))]
compile_error!("mikro2fa-store needs one of its features `sqlite` and `postgresql`");

#[expect(unreachable_pub, reason = "the derive writes this code")]
mod any {
    #[cfg(feature = "postgresql")]
    use diesel::pg::PgConnection;
    #[cfg(feature = "sqlite")]
    use diesel::sqlite::SqliteConnection;

    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        #[cfg(feature = "sqlite")]
        Sqlite(SqliteConnection),
        #[cfg(feature = "postgresql")]
        Postgresql(PgConnection),
    }
}
pub(crate) use any::AnyConnection;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// The one that writes.
    Writing,
    /// One of so many that only read.
    Reading { of: usize },
}

/// Opens a connection.
pub(crate) fn connect(url: &DatabaseUrl, purpose: Purpose) -> Result<AnyConnection, StoreError> {
    match &url.0 {
        #[cfg(feature = "sqlite")]
        Place::Sqlite(path) => sqlite::connect(path, purpose).map(AnyConnection::Sqlite),
        #[cfg(feature = "postgresql")]
        Place::Postgresql(url) => postgresql::connect(url, purpose).map(AnyConnection::Postgresql),
    }
}

impl AnyConnection {
    /// The connection inside, as the hot path sees it.
    pub(crate) fn dialect(&mut self) -> &mut dyn Dialect {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(connection) => connection,
            #[cfg(feature = "postgresql")]
            Self::Postgresql(connection) => connection,
        }
    }

    /// Runs a piece of writing work in one transaction, which holds the right to write from its beginning.
    pub(crate) fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?,
            #[cfg(feature = "postgresql")]
            Self::Postgresql(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN")?,
        }
        self.finish(work)
    }

    /// As [`write`](Self::write), and it need not survive a crash of the machine: nobody waits for the disk. What is
    /// durable after it takes it along.
    pub(crate) fn write_unsynced<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Outcome<T>,
    ) -> Outcome<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(c) => {
                c.batch_execute(sqlite::UNSYNCED)?;
                let written = self.write(work);
                // A connection that might go on without waiting for the disk is given up.
                self.batch_execute(sqlite::SYNCED)
                    .map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
                written
            }
            #[cfg(feature = "postgresql")]
            Self::Postgresql(c) => {
                AnsiTransactionManager::begin_transaction_sql(c, postgresql::BEGIN_UNSYNCED)?;
                self.finish(work)
            }
        }
    }

    /// Runs a piece of reading work that sees one moment, whatever is written meanwhile.
    pub(crate) fn read<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN DEFERRED")?,
            #[cfg(feature = "postgresql")]
            Self::Postgresql(c) => AnsiTransactionManager::begin_transaction_sql(
                c,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            )?,
        }
        self.finish(work)
    }

    fn finish<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        match work(self) {
            Ok(value) => {
                Self::commit_transaction(self).map_err(Failure::Commit)?;
                Ok(value)
            }
            Err(failure) => {
                if let Err(error) = Self::rollback_transaction(self) {
                    tracing::debug!(%error, "a transaction could not be rolled back");
                }
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use diesel::sql_types::Integer;

    use super::*;
    use crate::statement::rows;

    /// 2 waits for the disk, 1 does not.
    fn synchronous(connection: &mut AnyConnection) -> i32 {
        let AnyConnection::Sqlite(connection) = connection else {
            panic!("not SQLite");
        };
        rows::<Integer, i32, _>(connection, "PRAGMA synchronous", &[]).unwrap()[0]
    }

    #[test]
    fn what_may_be_lost_does_not_wait_and_what_follows_does() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(folder.path().join("x.db"));
        let mut connection = connect(&url, Purpose::Writing).unwrap();
        assert_eq!(synchronous(&mut connection), 2);
        let inside = connection.write_unsynced(|connection| Ok(synchronous(connection)));
        assert_eq!(inside.unwrap(), 1);
        assert_eq!(synchronous(&mut connection), 2);
        let failed: Outcome<()> =
            connection.write_unsynced(|_| Err(StoreError::NotFound("row").into()));
        assert!(failed.is_err());
        assert_eq!(synchronous(&mut connection), 2, "after a failure, too");
    }
}
