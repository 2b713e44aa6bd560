//! Twin migrations: up, down, up again; and both databases have the same shape.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use mikro2fa_core::{directory::Directory, store::StoreError};
use mikro2fa_store::{DieselStore, Options};

use crate::support::{Database, key};

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    of: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = diesel::sql_types::Text)]
    of: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_unique: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_partial: bool,
    #[diesel(sql_type = diesel::sql_types::Text)]
    columns: String,
}

/// Columns in their order, and what they are indexed by, primary keys among them.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    columns: BTreeMap<String, Vec<(String, &'static str, bool)>>,
    indexes: BTreeSet<(String, bool, bool, String)>,
}

const SQLITE_COLUMNS: &str = "SELECT t.name AS of, c.name AS name, c.type AS kind, c.\"notnull\" AS required \
     FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' \
     AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY t.name, c.cid";
const SQLITE_INDEXES: &str = "SELECT t.name AS of, i.\"unique\" AS is_unique, i.partial AS is_partial, \
     (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS columns \
     FROM sqlite_master t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
     UNION SELECT t.name, true, false, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND c.pk = 1 AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' \
     AND (SELECT count(*) FROM pragma_table_info(t.name) p WHERE p.pk > 0) = 1";
const POSTGRESQL_COLUMNS: &str = "SELECT table_name::text AS of, column_name::text AS name, data_type::text AS kind, \
     is_nullable = 'NO' AS required FROM information_schema.columns WHERE table_schema = current_schema() \
     AND table_name NOT LIKE '\\_\\_%' ORDER BY table_name, ordinal_position";
const POSTGRESQL_INDEXES: &str = "SELECT t.relname::text AS of, i.indisunique AS is_unique, i.indpred IS NOT NULL AS is_partial, \
     (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(attnum, n) \
     JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) AS columns \
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace \
     WHERE s.nspname = current_schema() AND t.relname NOT LIKE '\\_\\_%'";

fn shape(columns: Vec<Column>, indexes: Vec<Index>) -> Shape {
    let mut shape = Shape {
        columns: BTreeMap::new(),
        indexes: indexes
            .into_iter()
            .map(|index| (index.of, index.is_unique, index.is_partial, index.columns))
            .collect(),
    };
    for column in columns {
        let kind = match column.kind.as_str() {
            "INTEGER" | "bigint" | "boolean" => "number",
            "TEXT" | "text" => "text",
            "BLOB" | "bytea" => "bytes",
            other => panic!("{} has a column of type {other}", column.of),
        };
        let columns = shape.columns.entry(column.of).or_default();
        columns.push((column.name, kind, column.required));
    }
    shape
}

fn shape_of(database: &Database) -> Shape {
    match database {
        Database::Sqlite(_) => {
            let connection = &mut database.sqlite_connection();
            shape(
                sql_query(SQLITE_COLUMNS).load(connection).unwrap(),
                sql_query(SQLITE_INDEXES).load(connection).unwrap(),
            )
        }
        Database::Postgresql { .. } => {
            let connection = &mut database.postgresql_connection();
            shape(
                sql_query(POSTGRESQL_COLUMNS).load(connection).unwrap(),
                sql_query(POSTGRESQL_INDEXES).load(connection).unwrap(),
            )
        }
    }
}

fn files(name: &str) -> FileBasedMigrations {
    let folder = format!("{}/migrations/{name}", env!("CARGO_MANIFEST_DIR"));
    FileBasedMigrations::from_path(folder).unwrap()
}

fn up(database: &Database) -> usize {
    match database {
        Database::Sqlite(_) => database
            .sqlite_connection()
            .run_pending_migrations(files("sqlite"))
            .unwrap()
            .len(),
        Database::Postgresql { .. } => database
            .postgresql_connection()
            .run_pending_migrations(files("postgresql"))
            .unwrap()
            .len(),
    }
}

fn down(database: &Database) -> usize {
    match database {
        Database::Sqlite(_) => database
            .sqlite_connection()
            .revert_all_migrations(files("sqlite"))
            .unwrap()
            .len(),
        Database::Postgresql { .. } => database
            .postgresql_connection()
            .revert_all_migrations(files("postgresql"))
            .unwrap()
            .len(),
    }
}

#[test]
fn up_down_and_up_again() {
    for database in Database::each() {
        let count = up(&database);
        assert!(count >= 3);
        let before = shape_of(&database);
        assert!(before.columns.len() > 20, "{before:?}");
        assert_eq!(down(&database), count);
        assert_eq!(shape_of(&database).columns.len(), 0, "nothing is left");
        assert_eq!(up(&database), count);
        assert_eq!(shape_of(&database), before);
    }
}

#[test]
fn both_databases_have_the_same_shape() {
    let [sqlite, postgresql] = Database::each();
    for database in [&sqlite, &postgresql] {
        up(database);
    }
    let (sqlite, postgresql) = (shape_of(&sqlite), shape_of(&postgresql));
    assert_eq!(sqlite.columns, postgresql.columns);
    let names = |shape: &Shape| -> Vec<String> {
        let text = |index: &(String, bool, bool, String)| format!("{index:?}");
        shape.indexes.iter().map(text).collect()
    };
    assert_eq!(names(&sqlite), names(&postgresql));
}

#[tokio::test]
async fn a_database_that_is_newer_is_left_alone() {
    for database in Database::each() {
        database.open().await.close().await.unwrap();
        database.run("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')");
        let error = DieselStore::open(&database.url(), &key(), Options::default())
            .await
            .unwrap_err();
        assert_eq!(error, StoreError::Newer);
        assert!(error.to_string().contains("newer than this program"));
        database.run("DELETE FROM __diesel_schema_migrations WHERE version = '9999'");
        database.open().await;
    }
}

#[tokio::test]
async fn many_nodes_migrate_one_database_once() {
    let database = Database::postgresql();
    let opened: Vec<_> = (0..4)
        .map(|_| {
            let url = database.url();
            tokio::spawn(async move {
                let store = DieselStore::open(&url, &key(), Options::default()).await;
                store.unwrap().installation().await.unwrap()
            })
        })
        .collect();
    let mut installations = BTreeSet::new();
    for open in opened {
        installations.insert(open.await.unwrap());
    }
    assert_eq!(installations.len(), 1, "one installation");
}

#[tokio::test]
async fn what_is_no_database_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let open = |url: String| async move {
        let url = url.parse().unwrap();
        DieselStore::open(&url, &key(), Options::default())
            .await
            .unwrap_err()
    };
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "no database, ".repeat(1_000)).unwrap();
    let error = open(format!("sqlite://{}", file.display())).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    let error = open(format!("sqlite://{}/none/a.db", folder.path().display())).await;
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("none")));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = open(format!("postgres://ann:hunter2@127.0.0.1:{port}/m")).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn connections_agree_on_what_a_migration_is() {
    // The migrations that are compiled in are those in the folders.
    let folders = ["sqlite", "postgresql"].map(|name| {
        let folder = format!("{}/migrations/{name}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name())
            .collect::<BTreeSet<_>>()
    });
    assert_eq!(folders[0], folders[1]);
    assert!(diesel::SqliteConnection::establish(":memory:").is_ok());
}
