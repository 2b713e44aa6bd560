//! An engine over ports in memory, for whoever tests one.

use std::sync::Arc;

use mikro2fa_core::{
    desk::RouterDesk,
    engine::{Backends, EngineBuilder, EngineHandle},
    entropy::SeededEntropy,
    router_backend::RouterBackend,
    testing::{MemoryRouter, MemoryStore, RecordingNotifier},
    time::Clock,
};

/// Starts one, and waits until it serves its router.
pub(crate) async fn start<C: Clock + 'static>(
    store: &MemoryStore,
    router: &MemoryRouter,
    notifier: &RecordingNotifier,
    clock: &Arc<C>,
    seed: u64,
) -> (EngineHandle, tokio::task::JoinHandle<()>) {
    let router: Arc<dyn RouterBackend> = Arc::new(router.clone());
    let backends: Arc<dyn Backends> = Arc::new(move |_: &RouterDesk| Arc::clone(&router));
    let store = Arc::new(store.clone());
    let clock: Arc<dyn Clock> = clock.clone();
    let notifier = Arc::new(notifier.clone());
    let (engine, handle) = EngineBuilder::new(store.clone(), store, notifier, backends, clock)
        .entropy(Arc::new(SeededEntropy::new(seed)))
        .build()
        .await
        .unwrap();
    let mut ready = engine.ready();
    let engine = tokio::spawn(engine.run());
    ready.wait_for(|ready| *ready).await.unwrap();
    (handle, engine)
}
