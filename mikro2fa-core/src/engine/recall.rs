//! What is read of routers before they are served.

use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};

use crate::{
    desk::RouterDesk,
    directory::Directory,
    id::RouterId,
    router_backend::Fence,
    session::Session,
    store::{Memory, Store, StoreError},
};

/// So many sessions are read at once.
const PAGE: usize = 1_000;
/// So many routers are: a store has a few connections that read. They have enough to do, and whoever else asks waits for a few only.
const AT_A_TIME: usize = 4;

/// A router as its keeper begins with it.
pub(super) struct Recalled {
    pub(super) desk: RouterDesk,
    pub(super) memory: Memory,
    pub(super) sessions: Vec<Session>,
}

/// Reads some routers at a time, and gives them in order; none for one that there is no more.
pub(super) fn recall(
    fences: Vec<Fence>,
    directory: Arc<dyn Directory>,
    store: Arc<dyn Store>,
) -> impl Stream<Item = (Fence, Result<Option<Recalled>, StoreError>)> {
    stream::iter(fences)
        .map(move |fence| {
            let (directory, store) = (Arc::clone(&directory), Arc::clone(&store));
            async move {
                let recalled = one(fence.router, &*directory, &*store).await;
                (fence, recalled)
            }
        })
        .buffered(AT_A_TIME)
}

async fn one(
    router: RouterId,
    directory: &dyn Directory,
    store: &dyn Store,
) -> Result<Option<Recalled>, StoreError> {
    let Some(desk) = directory.router_desk(router).await? else {
        return Ok(None);
    };
    let memory = store.memory(router).await?;
    let mut sessions: Vec<Session> = Vec::new();
    loop {
        let after = sessions.last().map(|session| session.id);
        let page = store.open_sessions(router, after, PAGE).await?;
        let full = page.len() == PAGE;
        sessions.extend(page);
        if !full {
            break;
        }
    }
    Ok(Some(Recalled {
        desk,
        memory,
        sessions,
    }))
}

#[cfg(test)]
mod tests;
