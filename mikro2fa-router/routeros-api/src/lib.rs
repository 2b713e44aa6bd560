//! MikroTik RouterOS API protocol: sans-IO codec and a pipelining tokio client.
//!
//! Speaks what RouterOS 6.49 and 7 offer on `api` (8728) and, with the `tls` feature that is on by default,
//! `api-ssl` (8729). It knows sentences, not menus: what `/ppp/secret/add` wants is for the caller to know.
//! Facts about the protocol are from the MikroTik manual, page *API*, where nothing else is said.
//!
//! # The protocol on one page
//!
//! A **word** is a length of one to five bytes and that many bytes. A **sentence** is words ended by an empty one.
//! The client sends commands:
//!
//! ```text
//! /ppp/secret/print        the command is the first word
//! =.proplist=.id,name      attributes, split at the second `=`
//! ?name=ann                query words, evaluated in order
//! .tag=7                   an API attribute: comes back on every reply
//! ```
//!
//! The router replies with `!re` for each record and one `!done` at the end. `!trap` is an error, and `!done` still
//! follows; `!empty` (7.18 and later) says that there are no records; `!fatal` announces the end of the connection.
//! Replies to commands with different tags may interleave. Nothing is ever quoted or escaped, and values are bytes:
//! comments come in whatever code page somebody's WinBox had.
//!
//! # The layers
//!
//! | layer | does | knows I/O |
//! |---|---|---|
//! | [`word`], [`sentence`], [`Decoder`], [`Reply`] | bytes to sentences and back, for clients and servers | no |
//! | [`connection::Connection`], [`login::Login`] | tags, cancels, what was sent and what not | no |
//! | [`Client`] | one socket, any number of tasks, deadlines, backpressure | tokio |
//!
//! Nothing panics on what a peer sends, and every size is checked before room is made ([`Limits`]).
//!
//! ```
//! use routeros_api::{Command, Decoder, Reply, Row, SentenceBuilder};
//!
//! // A client writes a command, a server reads it.
//! let mut wire = Vec::new();
//! Command::new("/ppp/active/print").proplist(&[".id", "name"]).tag("7").encode(&mut wire);
//! let mut server = Decoder::default();
//! server.feed(&wire);
//! let command = server.next()?.ok_or("a whole sentence")?;
//! assert_eq!(command.command(), Some(&b"/ppp/active/print"[..]));
//!
//! // The server answers, the client reads a row without copying it.
//! let mut wire = Vec::new();
//! SentenceBuilder::new("!re").attribute(".id", "*1").attribute("name", "ann").tag("7").encode(&mut wire);
//! let mut client = Decoder::default();
//! client.feed(&wire);
//! let sentence = client.next_ref()?.ok_or("a whole sentence")?;
//! let Reply::Re(record) = Reply::parse_ref(sentence) else { return Err("a record".into()) };
//! assert_eq!(Row::new(record).text("name").as_deref(), Some("ann"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A client at work
//!
//! ```
//! use routeros_api::{BatchOptions, Client, Command, Options, Outcome};
//! # use routeros_api::{Decoder, SentenceBuilder};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # async fn router(stream: std::io::Result<(tokio::net::TcpStream, std::net::SocketAddr)>) -> std::io::Result<()> {
//! #     let (mut stream, _) = stream?;
//! #     let mut decoder = Decoder::default();
//! #     loop {
//! #         while let Ok(Some(sentence)) = decoder.next() {
//! #             let mut out = Vec::new();
//! #             let tag = |reply: SentenceBuilder| match sentence.api_attribute(".tag") {
//! #                 Some(tag) => reply.tag(tag),
//! #                 None => reply,
//! #             };
//! #             if sentence.command() == Some(b"/ppp/active/print") {
//! #                 tag(SentenceBuilder::new("!re").attribute(".id", "*1").attribute("name", "ann")).encode(&mut out);
//! #             }
//! #             let done = SentenceBuilder::new("!done");
//! #             tag(if sentence.command().is_some_and(|command| command.ends_with(b"/add")) {
//! #                 done.attribute("ret", "*2A")
//! #             } else {
//! #                 done
//! #             })
//! #             .encode(&mut out);
//! #             stream.write_all(&out).await?;
//! #         }
//! #         let count = stream.read(decoder.room()).await?;
//! #         if count == 0 {
//! #             return Ok(());
//! #         }
//! #         decoder.filled(count);
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let address = listener.local_addr()?.to_string();
//! # tokio::spawn(async move { router(listener.accept().await).await });
//! let client = Client::connect(&Options::new(address, "admin", "secret")).await?;
//!
//! // Rows as they arrive; dropping the stream would cancel the command on the router.
//! let mut tunnels = client.stream(Command::new("/ppp/active/print").proplist(&[".id", "name"]))?;
//! while let Some(row) = tunnels.next().await? {
//!     let [id, name] = row.fields([".id", "name"]);
//!     assert_eq!((id, name), (Some(&b"*1"[..]), Some(&b"ann"[..])));
//! }
//!
//! // Many commands at once, each outcome kept.
//! let add = Command::new("/ip/firewall/address-list/add").attribute("list", "office");
//! let adds = vec![add.clone().attribute("address", "10.0.0.1"), add.attribute("address", "10.0.0.2")];
//! let batch = client.call_batch(adds, BatchOptions::new()).await;
//! for outcome in batch.outcomes {
//!     match outcome {
//!         Outcome::Done { ret } => assert_eq!(ret.as_deref(), Some(&b"*2A"[..])),
//!         Outcome::Refused(refusal) => return Err(refusal.to_string().into()),
//!         Outcome::Unknown => return Err("look before sending it again".into()),
//!         Outcome::NotSent => return Err("safe to send again".into()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

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
