//! MikroTik RouterOS API protocol: sans-IO codec and a pipelining tokio client.

pub mod client;
pub mod connection;
pub mod decoder;
pub mod error;
pub mod login;
pub mod reply;
pub mod row;
pub mod sentence;
#[cfg(feature = "tls")]
pub mod tls;
pub mod word;

pub use crate::client::{Answer, Batch, BatchOptions, Client, Options, Outcome, RowStream};
pub use crate::decoder::{Decoder, Limits};
pub use crate::error::{CloseReason, DecodeError, Error, Phase, Refusal, Trap};
pub use crate::reply::Reply;
pub use crate::row::{Row, Rows};
pub use crate::sentence::{Command, Sentence, SentenceBuilder, SentenceRef};
