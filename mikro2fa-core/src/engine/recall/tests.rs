use uuid::Uuid;

use super::*;
use crate::{
    id::NodeId,
    store::MockStore,
    testing::{Desk, ManualClock, MemoryStore},
    time::Timestamp,
};

const START: Timestamp = Timestamp(1_800_000_000_000);

fn fence(router: RouterId) -> Fence {
    Fence {
        router,
        node: NodeId::from_uuid(Uuid::nil()),
        epoch: 1,
        until: Timestamp::MAX,
    }
}

/// More routers than are read at a time: one that cannot be read and one that is gone hold up none of the others.
#[tokio::test]
async fn each_router_is_read_by_itself_and_they_come_in_order() {
    let directory = MemoryStore::new(Arc::new(ManualClock::new(START)));
    let mut desk = Desk::new(START);
    let mut routers: Vec<RouterId> = (0..9).map(|n| desk.router(&format!("r{n}"))).collect();
    desk.fill(&directory).await.unwrap();
    let (damaged, gone) = (routers[3], RouterId::from_uuid(Uuid::nil()));
    routers[5] = gone;
    let mut store = MockStore::new();
    store.expect_memory().returning(|_| Ok(Memory::default()));
    store
        .expect_open_sessions()
        .returning(move |router, _, _| match router {
            router if router == damaged => Err(StoreError::Corrupt("page 7".into())),
            _ => Ok(Vec::new()),
        });

    let fences: Vec<Fence> = routers.iter().copied().map(fence).collect();
    let recalled: Vec<_> = recall(fences.clone(), Arc::new(directory), Arc::new(store))
        .collect()
        .await;

    let order: Vec<&Fence> = recalled.iter().map(|(fence, _)| fence).collect();
    assert_eq!(order, fences.iter().collect::<Vec<_>>());
    for (fence, recalled) in recalled {
        match recalled {
            Err(error) => {
                assert_eq!(fence.router, damaged);
                assert_eq!(error, StoreError::Corrupt("page 7".into()));
            }
            Ok(None) => assert_eq!(fence.router, gone),
            Ok(Some(recalled)) => assert_eq!(recalled.desk.router.id, fence.router),
        }
    }
}
