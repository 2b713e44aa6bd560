//! MikroTik RouterOS API protocol: sans-IO codec and a pipelining tokio client.

pub mod decoder;
pub mod error;
pub mod reply;
pub mod sentence;
pub mod word;

pub use crate::decoder::{Decoder, Limits};
pub use crate::error::DecodeError;
pub use crate::reply::Reply;
pub use crate::sentence::{Command, Sentence, SentenceBuilder, SentenceRef};
