//! In-memory implementations of the ports, a clock that stands still, and a desk in few lines: for tests of this
//! crate and of whoever embeds it. Feature `testing`.
//!
//! All of it is deterministic: no thread, no real time, no chance, nothing iterates in an order that changes from run
//! to run. Each implementation passes the same suite as the real one (`crate::conformance`).
//!
//! ```
//! use std::{net::Ipv4Addr, sync::Arc, time::Duration};
//!
//! use mikro2fa_core::{
//!     router_backend::{Look, RouterBackend},
//!     testing::{Desk, Dial, ManualClock, MemoryRouter, MemoryStore},
//!     time::Timestamp,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let clock = Arc::new(ManualClock::new(Timestamp(1_700_000_000_000)));
//! let store = MemoryStore::new(clock.clone());
//!
//! let mut desk = Desk::new(Timestamp(1_700_000_000_000));
//! let office = desk.router("office");
//! let ann = desk.user("Ann", 1001);
//! desk.account(office, "ann", Some(ann));
//! desk.fill(&store).await.unwrap();
//!
//! let router = MemoryRouter::new(office, clock.clone());
//! router.account("ann");
//! let line = router.dial(&Dial::new("ann", Ipv4Addr::new(10, 8, 0, 4))).unwrap();
//! assert!(!router.passes(line), "nobody has confirmed it");
//! let seen = router.observe(&Look::complete()).await.unwrap();
//! assert_eq!(seen.tunnels.unwrap().rows.len(), 1);
//! # });
//! ```

mod clock;
mod desk;
mod notifier;
mod router;
mod store;
mod turns;

pub use clock::ManualClock;
pub use desk::Desk;
pub use notifier::{Delivered, DeliveryFault, Manner, RecordingNotifier, ShownMessage};
pub use router::{
    CommandFault, Dial, Line, LiveTunnel, LookFault, MemoryRouter, RefusedDial, SeenPart,
};
pub use store::{CommitFault, MemoryStore};
