//! Wanted against observed: router state is level-triggered, never driven by a queue of remembered commands.
//!
//! [`wanted`] says what sessions call for, [`Mirror`] what was last seen, [`plan`] the difference as commands. A
//! crash, a lost reply, a rebooted router, a restored backup: all are the same case, and the next round mends it.
//! What takes access away comes first and is awaited; only then what gives it is sent.

mod doubt;
mod heard;
mod mirror;
mod plan;
#[cfg(test)]
mod tests;
mod wanted;

pub use doubt::{Doubt, Doubts};
pub use heard::Heard;
pub use mirror::{Changes, Entry, Mirror};
pub use plan::{Difference, Finding, Plan, is_switched, plan};
pub use wanted::{Cut, Held, Sessions, Wanted, WantedPermit, World, wanted};
