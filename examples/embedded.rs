//! The engine inside a program of your own: a simulated router, a store in memory, and an operator's word instead of a
//! phone. `cargo run --example embedded`

#![expect(clippy::print_stdout, reason = "an example talks")]

use std::{error::Error, sync::Arc};

use mikro2fa_core::{
    desk::RouterDesk,
    engine::{Backends, EngineBuilder, SystemClock},
    router_backend::RouterBackend,
    testing::{Desk, MemoryStore, RecordingNotifier},
    time::Clock,
};
use mikro2fa_router::simulator::{Dial, Flow, PreparedNames, SimClock, Simulator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // A router. Yours has an address and a daily login.
    let sim = Simulator::builder()
        .clock(SimClock::real())
        .prepared(PreparedNames::default())
        .account("ann", "pw")
        .start()
        .await?;

    // The desk: who owns which login on which router.
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
    let mut desk = Desk::new(clock.now());
    let office = desk.router("office");
    let connection = &mut desk.router_mut(office).connection;
    connection.port = sim.api_address().port();
    connection.password = mikro2fa_core::secret::Secret::new(sim.daily_password());
    let ann = desk.user("Ann", 1001);
    desk.account(office, "ann", Some(ann));
    desk.fill(&*store).await?;

    // The engine, between the ports.
    let notifier = RecordingNotifier::new(Arc::clone(&clock));
    let of_router = Arc::clone(&clock);
    let backends: Arc<dyn Backends> =
        Arc::new(move |desk: &RouterDesk| -> Arc<dyn RouterBackend> {
            mikro2fa_router::backend_for(&desk.router, desk.installation, Arc::clone(&of_router))
                .unwrap_or_else(|error| unreachable!("the API over TCP is always there: {error}"))
        });
    let port = Arc::new(notifier.clone());
    let builder = EngineBuilder::new(store.clone(), store, port, backends, clock);
    let (engine, handle) = builder.build().await?;
    let mut ready = engine.ready();
    tokio::spawn(engine.run());
    ready.wait_for(|ready| *ready).await?;

    // Somebody dials in with ann's password: held, and she is asked.
    let tunnel = sim.dial(Dial::new("ann", "pw"))?;
    let to_the_office = Flow::between(&tunnel, [192, 168, 88, 10]);
    println!(
        "dialled: a packet to the office {}",
        sim.would_pass(&to_the_office)
    );
    handle.tunnels_changed(office).await?;
    let (session, _) = notifier.wait_for(|asked| asked.question_to(ann)).await;

    // An operator lets this very tunnel in.
    handle
        .let_in(session, "olga".into(), "phone is broken".into(), None)
        .await?;
    sim.until(|sim| sim.would_pass(&to_the_office).passes())
        .await;
    println!(
        "let in: a packet to the office {}",
        sim.would_pass(&to_the_office)
    );
    Ok(())
}
