//! Fresh databases.

use diesel::{
    Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sqlite::SqliteConnection,
};

use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) mod proxy;

/// A database of this test's own; gone with it.
#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(TempDir),
    /// A schema of its own.
    Postgresql {
        server: String,
        schema: String,
    },
}

pub(crate) fn key() -> Key {
    Key::from_bytes(&[7; 32])
}

/// The server that tests may use.
fn server() -> String {
    std::env::var("MIKRO2FA_TEST_POSTGRESQL").expect(
        "MIKRO2FA_TEST_POSTGRESQL has to name a PostgreSQL server: postgres://user@host/database",
    )
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgresql() -> Self {
        let server = server();
        let schema = format!("m2fa_{}", Uuid::new_v4().simple());
        PgConnection::establish(&server)
            .unwrap()
            .batch_execute(&format!("CREATE SCHEMA {schema}"))
            .unwrap();
        Self::Postgresql { server, schema }
    }

    /// Both kinds.
    pub(crate) fn each() -> [Self; 2] {
        [Self::sqlite(), Self::postgresql()]
    }

    pub(crate) fn url_text(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}/test.db", folder.path().display()),
            Self::Postgresql { server, schema } => with_schema(server, schema),
        }
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        self.url_text().parse().unwrap()
    }

    pub(crate) async fn open(&self) -> DieselStore {
        self.open_with(Options::default()).await
    }

    pub(crate) async fn open_with(&self, options: Options) -> DieselStore {
        DieselStore::open(&self.url(), &key(), options)
            .await
            .unwrap()
    }

    /// Runs SQL behind the store's back.
    pub(crate) fn run(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => self.sqlite_connection().batch_execute(sql).unwrap(),
            Self::Postgresql { .. } => self.postgresql_connection().batch_execute(sql).unwrap(),
        }
    }

    /// One number, behind the store's back.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Number {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let query = diesel::sql_query(format!("SELECT ({sql}) AS n"));
        let number: Number = match self {
            Self::Sqlite(_) => query.get_result(&mut self.sqlite_connection()).unwrap(),
            Self::Postgresql { .. } => query.get_result(&mut self.postgresql_connection()).unwrap(),
        };
        number.n
    }

    pub(crate) fn sqlite_connection(&self) -> SqliteConnection {
        let url = self.url_text();
        let path = url.strip_prefix("sqlite://").unwrap();
        let mut connection = SqliteConnection::establish(path).unwrap();
        connection
            .batch_execute("PRAGMA busy_timeout = 5000")
            .unwrap();
        connection
    }

    pub(crate) fn postgresql_connection(&self) -> PgConnection {
        PgConnection::establish(&self.url_text()).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgresql { server, schema } = self
            && let Ok(mut connection) = PgConnection::establish(server)
        {
            let _ = connection.batch_execute(&format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

/// The same database, another schema.
fn with_schema(server: &str, schema: &str) -> String {
    let next = if server.contains('?') { '&' } else { '?' };
    format!("{server}{next}options=-c%20search_path%3D{schema}&application_name={schema}")
}
