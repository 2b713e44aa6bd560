//! Secrets stand nowhere in the clear, and open only with their key, in their place.

use std::fs;

use mikro2fa_core::{
    directory::{DeskChange, Directory},
    secret::Secret,
    store::StoreError,
    testing::Desk,
};
use mikro2fa_store::{DieselStore, Key, Options};

use crate::{sample::NOW, support::Database};

const PASSWORD: &str = "correct horse battery staple";
const TOKEN: &str = "123456:AAE-unguessable-token";

/// Two routers with the same password, and the bot's token.
async fn fill(store: &DieselStore) -> Desk {
    let mut desk = Desk::new(NOW);
    for name in ["office", "plant"] {
        let router = desk.router(name);
        desk.router_mut(router).connection.password = Secret::new(PASSWORD);
    }
    desk.fill(store).await.unwrap();
    let token = DeskChange::PutSecret {
        name: "bot-token".into(),
        value: Secret::new(TOKEN),
    };
    store.change(vec![token], Vec::new()).await.unwrap();
    desk
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn no_file_holds_a_secret() {
    let database = Database::sqlite();
    let store = database.open().await;
    fill(&store).await;
    let Database::Sqlite(folder) = &database else {
        unreachable!()
    };
    for closed in [false, true] {
        if closed {
            store.close().await.unwrap();
        }
        let mut seen_name = false;
        for entry in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!contains(&bytes, PASSWORD) && !contains(&bytes, TOKEN));
            seen_name |= contains(&bytes, "bot-token");
        }
        assert!(seen_name, "the files looked at are those with the data");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite();
    let store = database.open().await;
    fill(&store).await;
    let Database::Sqlite(folder) = &database else {
        unreachable!()
    };
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().ends_with(".lock") {
            continue;
        }
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn no_row_holds_a_secret() {
    let database = Database::postgresql();
    let store = database.open().await;
    fill(&store).await;
    for text in [PASSWORD, TOKEN] {
        for (table, column) in [("routers", "password"), ("secrets", "sealed")] {
            let query = format!(
                "SELECT count(*) FROM {table} WHERE position('{text}'::bytea in {column}) > 0"
            );
            assert_eq!(database.number(&query), 0);
        }
        let query = format!(
            "SELECT count(*) FROM routers r WHERE position('{text}' in r.connection || r.gates) > 0"
        );
        assert_eq!(database.number(&query), 0);
    }
}

#[tokio::test]
async fn another_key_opens_nothing_and_breaks_nothing_else() {
    for database in Database::each() {
        let store = database.open().await;
        let desk = fill(&store).await;
        store.close().await.unwrap();
        let key = Key::from_bytes(&[8; 32]);
        let store = DieselStore::open(&database.url(), &key, Options::default())
            .await
            .unwrap();
        for error in [
            store.secret("bot-token").await.unwrap_err(),
            store.routers().await.unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Sealed(_)), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(PASSWORD) && !shown.contains(TOKEN));
        }
        assert_eq!(store.sources().await.unwrap().len(), 2);
        drop(desk);
    }
}

#[tokio::test]
async fn a_secret_that_was_moved_does_not_open() {
    for database in Database::each() {
        let store = database.open().await;
        fill(&store).await;
        let routers = store.routers().await.unwrap();
        assert_eq!(routers[0].connection.password, Secret::new(PASSWORD));
        let (from, to) = (routers[0].id, routers[1].id);
        database.run(&format!(
            "UPDATE routers SET password = (SELECT password FROM routers WHERE id = '{from}') \
             WHERE id = '{to}'"
        ));
        let error = store.routers().await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Sealed(what) if what.contains(&to.to_string())),
            "{error}"
        );
    }
}
