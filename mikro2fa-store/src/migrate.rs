//! Embedded migrations: twin folders, the same names and order for both databases.

use diesel::{
    connection::Connection,
    migration::{Migration, MigrationSource, MigrationVersion},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use mikro2fa_core::store::StoreError;

use crate::{connection::AnyConnection, error::Outcome};

#[cfg(feature = "sqlite")]
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgresql")]
pub(crate) const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// Held on a PostgreSQL server by whoever migrates this schema: "2fa1" as a number of our own.
#[cfg(feature = "postgresql")]
const LOCK: &str = "SELECT pg_advisory_lock(845506097, hashtext(current_schema()))";
#[cfg(feature = "postgresql")]
const UNLOCK: &str = "SELECT pg_advisory_unlock(845506097, hashtext(current_schema()))";

/// Brings the database up to this program's version.
///
/// [`StoreError::Newer`] if it was made by a later one; then nothing is changed.
pub(crate) fn migrate(connection: &mut AnyConnection) -> Outcome<()> {
    match connection {
        #[cfg(feature = "sqlite")]
        AnyConnection::Sqlite(connection) => {
            connection.exclusive_transaction(|connection| run(connection, SQLITE))
        }
        #[cfg(feature = "postgresql")]
        AnyConnection::Postgresql(connection) => {
            use diesel::connection::SimpleConnection as _;
            // No time-out while another node migrates.
            connection.batch_execute("SET lock_timeout = 0; SET statement_timeout = 0")?;
            connection.batch_execute(LOCK)?;
            let result = run(connection, POSTGRESQL);
            connection.batch_execute(UNLOCK)?;
            crate::dialect::postgresql::settings(connection)?;
            result
        }
    }
}

fn run<C, DB>(connection: &mut C, ours: EmbeddedMigrations) -> Outcome<()>
where
    C: Connection<Backend = DB> + MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        StoreError::Unavailable(format!("the database could not be migrated: {error}").into())
    };
    let known: Vec<Box<dyn Migration<DB>>> = ours.migrations().map_err(failed)?;
    let known: Vec<MigrationVersion<'_>> = known.iter().map(|m| m.name().version()).collect();
    let applied = connection.applied_migrations().map_err(failed)?;
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(StoreError::Newer.into());
    }
    for version in connection.run_pending_migrations(ours).map_err(failed)? {
        tracing::info!(%version, "database migrated");
    }
    Ok(())
}
