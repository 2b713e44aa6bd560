//! Looks at many routers: what it costs to learn that nothing has changed.
//!
//! 500 simulated routers with 200 tunnels each, looked at every five seconds over real sockets, and each look compared
//! with what is known of its router. What the routers do runs on a thread of its own and is not counted; reading,
//! comparing and the connections themselves are.
//!
//! `cargo bench --bench looks`

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a bench's own arithmetic; it ends when something fails, and reports by printing"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mikro2fa_core::{
    enforcement::Mirror,
    engine::SystemClock,
    id::InstallationId,
    router_backend::{Look, Part, RouterBackend},
    secret::Secret,
    testing::Desk,
    time::Clock,
};
use mikro2fa_router::{
    backend_for,
    simulator::{Dial, PreparedNames, SimClock, Simulator},
};
use uuid::Uuid;

#[path = "shared/measure.rs"]
mod measure;

use measure::{figure, heading, processor, resident, sized};

const PASSWORD: &str = "pw";
const EVERY: Duration = Duration::from_secs(5);

fn main() {
    let (routers, tunnels, rounds) = (sized(500, 3), sized(200, 5), sized(4, 1));
    let apart = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let simulators = apart.block_on(simulators(routers, tunnels));
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    own.block_on(watch(&simulators, tunnels, rounds));
}

async fn simulators(routers: usize, tunnels: usize) -> Vec<Simulator> {
    let names: Vec<String> = (0..tunnels).map(|n| format!("user{n:03}")).collect();
    let start = Simulator::builder()
        .prepared(PreparedNames::default())
        .clock(SimClock::real());
    let start = names
        .iter()
        .fold(start, |start, name| start.account(name.as_str(), PASSWORD));
    let mut all = Vec::new();
    for _ in 0..routers {
        let simulator = start.clone().start().await.unwrap();
        for name in &names {
            let dial = Dial::new(name.as_str(), PASSWORD).from("203.0.113.7");
            simulator.dial(dial).unwrap();
        }
        all.push(simulator);
    }
    all
}

/// A router as the engine has it: the way there, and what was last seen of it.
struct Watched {
    backend: Arc<dyn RouterBackend>,
    mirror: Mirror,
}

async fn watch(simulators: &[Simulator], tunnels: usize, rounds: u32) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut watched = Vec::new();
    for simulator in simulators {
        let mut desk = Desk::new(clock.now());
        let router = desk.router("office");
        let record = desk.router_mut(router);
        record.connection.port = simulator.api_address().port();
        record.connection.user = simulator.names().user.as_str().into();
        record.connection.password = Secret::new(simulator.daily_password());
        let installation = InstallationId::from_uuid(Uuid::nil());
        let backend = backend_for(record, installation, Arc::clone(&clock)).unwrap();
        backend.identify().await.unwrap();
        watched.push(Watched {
            backend,
            mirror: Mirror::default(),
        });
    }
    let before = resident().0;
    for one in &mut watched {
        one.look(tunnels).await; // everything is new
    }
    let grown = resident().0.saturating_sub(before);
    let routers = watched.len();
    heading(&format!(
        "{routers} routers with {tunnels} tunnels each, looked at every {} s",
        EVERY.as_secs()
    ));
    let of_each = 1024.0 * grown as f64 / (routers * tunnels) as f64;
    figure("memory that is kept of a tunnel", of_each, "bytes");
    let (begun, worked) = (Instant::now(), processor());
    let mut late = Vec::new();
    let mut compared = Duration::ZERO;
    for round in 0..rounds {
        for (n, one) in watched.iter_mut().enumerate() {
            let share = n as f64 / routers as f64;
            let at = begun + EVERY.mul_f64(f64::from(round) + share);
            tokio::time::sleep_until(at.into()).await;
            late.push(at.elapsed());
            compared += one.look(tunnels).await;
        }
    }
    let last = begun + EVERY * rounds;
    tokio::time::sleep_until(last.into()).await;
    let (worked, took) = (processor() - worked, begun.elapsed());
    let rows = f64::from(rounds) * (routers * tunnels) as f64;
    figure(
        "of one processor",
        100.0 * worked.as_secs_f64() / took.as_secs_f64(),
        "%",
    );
    figure("a row, all in all", worked.as_secs_f64() * 1e9 / rows, "ns");
    figure(
        "  of that, comparing",
        compared.as_secs_f64() * 1e9 / rows,
        "ns",
    );
    measure::time("lateness of a look, p99", measure::percentile(&late, 99));
}

impl Watched {
    /// One look at all tunnels. Nothing is to have changed but at the first one. Says how long comparing took.
    async fn look(&mut self, tunnels: usize) -> Duration {
        let look = Look {
            tunnels: Part::All,
            ..Look::default()
        };
        let seen = self.backend.observe(&look).await.unwrap();
        let first = self.mirror.tunnels_at.is_none();
        let begun = Instant::now();
        let changes = self.mirror.take_in(seen);
        let took = begun.elapsed();
        let new = if first { tunnels } else { 0 };
        assert_eq!((changes.up.len(), changes.gone.len()), (new, 0));
        assert_eq!(changes.unsure, []);
        took
    }
}
