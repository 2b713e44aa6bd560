//! A second factor for VPN tunnels on MikroTik routers: the core.
//!
//! A MikroTik router lets a VPN user in on a password alone. mikro2fa holds whoever connects in quarantine until the
//! account's owner says *yes, it was me*; then exactly that tunnel is let through, for a limited time. This crate
//! holds the rules of that, and nothing that speaks a protocol:
//!
//! * [`session`]: the state machine. `step` is pure: no clock, no I/O, no chance; every doubt closes.
//! * [`admission`]: what to do with a tunnel that no session is about. Pure, too.
//! * [`enforcement`]: what a router is to have against what it was seen to have, and the difference as commands.
//! * three ports: [`router_backend::RouterBackend`], [`store::Store`] (with [`directory::Directory`] for the desk), and
//!   [`notifier::Notifier`]. Adapters implement them; `conformance` has the suites they have to pass.
#![cfg_attr(feature = "engine", doc = "* [`engine`]: drives the ports.")]
//!
//! # Mental model
//!
//! Nothing that is sent is believed: a router's state is looked at, compared, and mended, round after round. Nothing
//! opens before it is durable; what closes does not wait for the database. A question is about one tunnel, not about
//! an account's name, and an answer opens that tunnel or none.
//!
//! # A session's life
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use mikro2fa_core::{
//!     id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
//!     policy::Policy,
//!     session::{step, Answer, ChallengeKind, Event, Fresh, Opening, Out, Outcome, StepContext, StateName},
//!     time::Timestamp,
//!     tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
//! };
//! use uuid::Uuid;
//!
//! let (policy, mut out) = (Policy::default(), Out::default());
//! let ann = UserId::from_uuid(Uuid::from_u128(1));
//! let router = RouterId::from_uuid(Uuid::from_u128(2));
//! let fresh = Fresh {
//!     challenge: ChallengeId::from_uuid(Uuid::from_u128(3)),
//!     offer: OfferId::from_uuid(Uuid::from_u128(4)),
//! };
//! let at = |seconds: i64| StepContext { now: Timestamp(seconds * 1000), policy: &policy, fresh };
//!
//! // Somebody dials in with ann's password.
//! let tunnel = Arc::new(Tunnel {
//!     key: TunnelKey { router, source: TunnelSource::Ppp, handle: "*1F".into(), nonce: None },
//!     account: "ann".into(),
//!     service: Service::L2tp,
//!     addresses: Addresses { v4: Some([10, 8, 0, 4].into()), v6: Vec::new() },
//!     caller: Some(Caller::parse("203.0.113.7")),
//!     uptime: Duration::ZERO,
//!     seen_at: Timestamp(0),
//! });
//! let opening = Opening {
//!     id: SessionId::from_uuid(Uuid::from_u128(5)),
//!     router,
//!     account: AccountId::from_uuid(Uuid::from_u128(6)),
//!     owner: ann,
//!     trial: false,
//! };
//! let mut session = opening.challenged(&tunnel, &ChallengeKind::Requested, true, &at(0), &mut out);
//! assert!(session.lets_through(Timestamp(0)).is_none(), "held");
//!
//! // Telegram has the question, and ann answers it.
//! let challenge = fresh.challenge;
//! step(&mut session, &Event::Delivered { challenge }, &at(1), &mut out);
//! let yes = Event::Answered { challenge, answer: Answer::Yes, by: ann };
//! assert_eq!(step(&mut session, &yes, &at(9), &mut out), Outcome::Stepped);
//! assert!(session.lets_through(Timestamp(9_000)).is_some(), "this tunnel, and until its end");
//!
//! // The router was looked at, and has it.
//! step(&mut session, &Event::Opened, &at(10), &mut out);
//! assert_eq!(session.state.name(), StateName::Active);
//! ```

#![forbid(unsafe_code)]

pub mod admission;
pub mod audit;
pub mod ban;
pub mod book;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod desk;
pub mod directory;
pub mod enforcement;
#[cfg(feature = "engine")]
pub mod engine;
pub mod entropy;
pub mod gate;
pub mod id;
pub mod notifier;
pub mod policy;
pub mod report;
pub mod retry;
pub mod router_backend;
pub mod secret;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod tunnel;
