//! The mocks are for one thing: making a port fail in a way that no fake can.

use std::sync::Arc;

use mikro2fa_core::{
    directory::{Directory, MockDirectory},
    id::{NodeId, OutboxId},
    notifier::{Alert, MockNotifier, Notice, Notifier, NotifierError, Subject},
    router_backend::{
        Applied, Fence, Hint, Look, MockRouterBackend, Observed, RouterBackend, RouterError,
    },
    store::{MockStore, Receipt, Store, StoreError},
    time::Timestamp,
};
use uuid::Uuid;

fn fence() -> Fence {
    Fence {
        router: mikro2fa_core::id::RouterId::from_uuid(Uuid::nil()),
        node: NodeId::from_uuid(Uuid::nil()),
        epoch: 1,
        until: Timestamp::MAX,
    }
}

#[tokio::test]
async fn a_mocked_store_fails_as_told() {
    let mut store = MockStore::new();
    store
        .expect_commit()
        .times(1)
        .returning(|_| Err(StoreError::Corrupt("page 7".into())));
    let store: Arc<dyn Store> = Arc::new(store);
    let damaged = Err(StoreError::Corrupt("page 7".into()));
    assert_eq!(store.commit(&[]).await, damaged);
}

#[tokio::test]
async fn a_mocked_directory_fails_as_told() {
    let mut directory = MockDirectory::new();
    directory
        .expect_secret()
        .withf(|name| name == "bot token")
        .returning(|_| Err(StoreError::Sealed("another key".into())));
    let directory: Arc<dyn Directory> = Arc::new(directory);
    assert!(directory.secret("bot token").await.is_err());
}

#[tokio::test]
async fn a_mocked_router_hints_as_told() {
    let mut router = MockRouterBackend::new();
    router
        .expect_observe()
        .returning(|_| Ok(Observed::default()));
    router
        .expect_apply()
        .returning(|_, commands| Ok(vec![Applied::NotSent; commands.len()]));
    router.expect_watch().returning(|| {
        let mut hints = vec![Ok(Hint::Gap), Err(RouterError::TimedOut)].into_iter();
        let hints = futures_util::stream::poll_fn(move |_| std::task::Poll::Ready(hints.next()));
        Ok(Box::pin(hints))
    });
    let router: Arc<dyn RouterBackend> = Arc::new(router);
    assert_eq!(
        router.observe(&Look::complete()).await,
        Ok(Observed::default())
    );
    assert_eq!(router.apply(&fence(), &[]).await, Ok(vec![]));
    let hints = router.watch().await.unwrap();
    let hints: Vec<_> = futures_util::StreamExt::collect(hints).await;
    assert_eq!(hints, [Ok(Hint::Gap), Err(RouterError::TimedOut)]);
}

#[tokio::test]
async fn a_mocked_notifier_gets_the_receipt() {
    let mut notifier = MockNotifier::new();
    notifier
        .expect_deliver()
        .withf(|_, _, previous| *previous == Some(Receipt("7".into())))
        .returning(|_, _, _| Err(NotifierError::MessageGone));
    let notifier: Arc<dyn Notifier> = Arc::new(notifier);
    let notice = Notice::Alert {
        alert: Alert::BotConflict,
        subject: Subject::default(),
        at: Timestamp(0),
    };
    let id = OutboxId::from_uuid(Uuid::nil());
    let result = notifier
        .deliver(id, &notice, Some(Receipt("7".into())))
        .await;
    assert_eq!(result, Err(NotifierError::MessageGone));
}
