//! The desk: what the suite does not say.

use mikro2fa_core::{
    desk::{Account, NameMatching, User},
    directory::{DeskChange, Digest, Directory},
    store::StoreError,
    testing::Desk,
};

use crate::{sample::NOW, support::Database};

#[tokio::test]
async fn of_two_editors_one_wins() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let mut desk = Desk::new(NOW);
    let ann = desk.user("Ann", 1);
    desk.fill(&stores[0]).await.unwrap();
    for version in 1..20 {
        let edit = |name: &str| {
            let mut user: User = desk.clone().user_mut(ann).clone();
            user.name = name.into();
            user.version = version;
            vec![DeskChange::PutUser(user)]
        };
        let (a, b) = tokio::join!(
            stores[0].change(edit("Anna"), Vec::new()),
            stores[1].change(edit("Anne"), Vec::new())
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        let lost = a.err().or_else(|| b.err()).unwrap();
        assert!(matches!(lost, StoreError::Conflict(_)), "{lost}");
    }
}

#[tokio::test]
async fn a_code_is_used_by_one_of_two() {
    let database = Database::postgresql();
    let stores = [database.open().await, database.open().await];
    let mut desk = Desk::new(NOW);
    let ann = desk.user("Ann", 1);
    desk.fill(&stores[0]).await.unwrap();
    for number in 0..20 {
        let digest = Digest::of(&format!("code {number}"));
        let put = DeskChange::PutLinkCode {
            digest,
            user: ann,
            until: NOW + std::time::Duration::from_secs(60),
        };
        stores[0].change(vec![put], Vec::new()).await.unwrap();
        let used = || vec![DeskChange::UseLinkCode { digest, now: NOW }];
        let (a, b) = tokio::join!(
            stores[0].change(used(), Vec::new()),
            stores[1].change(used(), Vec::new())
        );
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        assert_eq!(
            a.err().or_else(|| b.err()),
            Some(StoreError::NotFound("link code"))
        );
    }
}

#[tokio::test]
async fn names_are_compared_as_their_source_says_now() {
    for database in Database::each() {
        let store = database.open().await;
        let mut desk = Desk::new(NOW);
        let router = desk.router("office");
        let ann = desk.account(router, "ann", None);
        desk.fill(&store).await.unwrap();
        let mut source = desk.source_mut(desk.clone().source_of(router)).clone();
        source.matching = NameMatching::Folded;
        let other = |name: &str| Account {
            id: mikro2fa_core::id::AccountId::from_uuid(crate::sample::fresh()),
            name: name.into(),
            ..desk.clone().account_mut(ann).clone()
        };
        let folded = DeskChange::PutSource(source.clone());
        store.change(vec![folded], Vec::new()).await.unwrap();
        let taken = DeskChange::PutAccount(other("CORP\\ANN@example.com"));
        let error = store.change(vec![taken], Vec::new()).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        source.matching = NameMatching::Exact;
        let changes = vec![
            DeskChange::PutSource(source.clone()),
            DeskChange::PutAccount(other("ANN")),
        ];
        store.change(changes, Vec::new()).await.unwrap();
        source.matching = NameMatching::Folded;
        let both_alike = store
            .change(vec![DeskChange::PutSource(source)], Vec::new())
            .await
            .unwrap_err();
        assert!(
            matches!(both_alike, StoreError::Conflict(_)),
            "{both_alike}"
        );
        assert_eq!(
            store.sources().await.unwrap()[0].matching,
            NameMatching::Exact
        );
    }
}

#[tokio::test]
async fn a_name_that_no_database_holds_is_said_so() {
    for database in Database::each() {
        let store = database.open().await;
        let mut desk = Desk::new(NOW);
        desk.user("Ann\0Bob", 1);
        let error = desk.fill(&store).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Conflict(why) if why.contains("NUL")),
            "{error}"
        );
        let mut desk = Desk::new(NOW);
        desk.user("Robert'); DROP TABLE users; -- \u{202e}🙂", 1);
        desk.fill(&store).await.unwrap();
        let users = store.users(&Default::default()).await.unwrap();
        assert_eq!(
            users.rows[0].name.as_ref(),
            "Robert'); DROP TABLE users; -- \u{202e}🙂"
        );
    }
}
