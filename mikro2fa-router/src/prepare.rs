//! Sets a router up, so that it holds unconfirmed tunnels back by itself: shows first what it would change, and changes
//! nothing that it could not take back.
//!
//! ```text
//! Survey::read ──▶ plan::plan ──▶ script::shown, script::script     pure, to be read
//!                      └────────▶ apply::apply ──▶ Journal::begin, the command, reading back, Journal::done
//! ```
//!
//! # What holds at every moment
//!
//! * **The hand that prepares is not cut.** If somebody's way to the router leads through a tunnel of that router, its account
//!   has to be exempt, and its tunnel come up so, before the jumps are enabled; or there is no plan.
//! * **Half of it is harmless.** Nothing has an effect before the jumps, and they come last. A second run finds what is there and
//!   does the rest; on a router that has everything it does nothing.
//! * **A prepared router is never open in between**: a chain that has to change is built beside the one in force.
//! * **What prepare did not make it does not change**, but for what servers and accounts point to, lists that are taken over by
//!   name, and what was chosen; each with what it was before in the [`Journal`].

pub mod apply;
pub mod choices;
mod hook;
pub mod journal;
pub mod plan;
pub mod script;
pub mod step;

pub use self::{
    apply::{ApplyError, apply},
    choices::{Choices, Login, Subscribers, Webhook},
    journal::{Deed, Entry, Journal, MemoryJournal},
    plan::{Plan, certificate_of, cut_off, plan},
};
