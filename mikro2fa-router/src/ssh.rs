//! The console over SSH as a [`Transport`](crate::transport::Transport): for routers whose API must not, or cannot, be reached.
//!
//! Everything that is said over the API is said here too, as lines of script (`say`) on channels of one connection,
//! one after another. What is different: nothing is told without being asked ([`Abilities::watch`](crate::transport::Abilities::watch)), nothing runs side
//! by side, and since the console says nothing about a change that found nothing to change, each change is read back in
//! the line that made it. A look and the change that depends on it travel in one line (see
//! [`Guard`](crate::sentence::Guard)).
//!
//! [`Quoted`](crate::console::Quoted) is the only way for a value into a line.

mod config;
#[cfg(feature = "ssh")]
mod error;
#[cfg(feature = "ssh")]
mod json;
#[cfg(feature = "ssh")]
mod line;
#[cfg(feature = "ssh")]
mod link;
#[cfg(feature = "ssh")]
mod parse;
#[cfg(feature = "ssh")]
mod say;
#[cfg(feature = "ssh")]
mod script;
#[cfg(feature = "ssh")]
mod worker;

pub use self::config::{Algorithms, Login, SshConfig};
#[cfg(feature = "ssh")]
pub use self::{
    error::{Phase, SshError},
    line::{Ssh, SshLine},
};
