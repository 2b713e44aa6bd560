//! Databases of a bench's own: a SQLite file, and a database on the server that `MIKRO2FA_TEST_POSTGRESQL` names.

#![allow(dead_code, reason = "each bench uses what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench without its database is to stop there"
)]

use std::path::{Path, PathBuf};

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _,
    connection::SimpleConnection as _, sql_types::Text,
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use uuid::Uuid;

/// A folder on a real disk, gone at the end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap()
}

/// An empty database.
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgresql { server: String, name: String },
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    fsync: String,
}

impl Database {
    pub(crate) fn sqlite(folder: &Path) -> Self {
        Self::Sqlite(folder.join(format!("{}.db", Uuid::new_v4().simple())))
    }

    /// Where a server is named. One that does not wait for its disk says nothing about durable commits.
    pub(crate) fn postgresql() -> Option<Self> {
        let server = std::env::var("MIKRO2FA_TEST_POSTGRESQL").ok()?;
        let name = format!("m2fa_bench_{}", Uuid::new_v4().simple());
        let mut connection = PgConnection::establish(&server).unwrap();
        let shown: Setting = diesel::sql_query("SELECT current_setting('fsync') AS fsync")
            .get_result(&mut connection)
            .unwrap();
        if shown.fsync != "on" {
            println!(
                "this PostgreSQL has fsync = {}: its commits are not durable",
                shown.fsync
            );
        }
        connection
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        Some(Self::Postgresql { server, name })
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgresql { .. } => "PostgreSQL",
        }
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        match self {
            Self::Sqlite(path) => DatabaseUrl::sqlite(path),
            Self::Postgresql { server, name } => {
                let (place, parameters) = match server.split_once('?') {
                    Some((place, parameters)) => (place, format!("?{parameters}")),
                    None => (server.as_str(), String::new()),
                };
                let (host, _) = place.rsplit_once('/').unwrap();
                format!("{host}/{name}{parameters}").parse().unwrap()
            }
        }
    }

    pub(crate) async fn open(&self) -> DieselStore {
        open(&self.url()).await
    }
}

pub(crate) async fn open(url: &DatabaseUrl) -> DieselStore {
    let key = Key::from_bytes(&[1; 32]);
    DieselStore::open(url, &key, Options::default())
        .await
        .unwrap()
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgresql { server, name } = self
            && let Ok(mut connection) = PgConnection::establish(server)
        {
            let _ = connection.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}
