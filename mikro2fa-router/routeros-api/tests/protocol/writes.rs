//! How many writes the client makes: one for a sentence alone, one for several that have gathered.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use routeros_api::{BatchOptions, Client, Outcome};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use crate::peer::{Peer, command, options, watched};

/// Counts writes.
struct Counting {
    inner: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, room)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(context, bytes);
        if outcome.is_ready() {
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// A client over a pipe that holds this many bytes, its router, and the count of its writes since login.
async fn piped(size: usize) -> (Client, Peer<DuplexStream>, Arc<AtomicUsize>) {
    let (ours, theirs) = duplex(size);
    let writes = Arc::new(AtomicUsize::new(0));
    let counting = Counting {
        inner: ours,
        writes: Arc::clone(&writes),
    };
    let mut peer = Peer::new(theirs);
    let options = options("a pipe");
    let (client, ()) = tokio::join!(Client::log_in(counting, &options), peer.accept_login());
    let login = writes.swap(0, Ordering::SeqCst);
    assert!(login == 1 || size < 64, "the login is one write");
    (client.unwrap(), peer, writes)
}

#[tokio::test]
async fn a_sentence_alone_is_one_write() {
    watched(async {
        let (client, mut peer, writes) = piped(4096).await;
        for number in 1..=5 {
            let answer = async {
                let (_, tag) = peer.expect("/system/identity/print").await;
                peer.reply("!done", &tag, &[]).await;
            };
            let (outcome, ()) =
                tokio::join!(client.call(command("/system/identity/print")), answer);
            outcome.unwrap();
            assert_eq!(writes.load(Ordering::SeqCst), number);
        }
    })
    .await;
}

#[tokio::test]
async fn sentences_that_have_gathered_are_one_write() {
    watched(async {
        let (client, mut peer, writes) = piped(4096).await;
        let answer = async {
            for path in ["/a", "/b", "/c"] {
                let (_, tag) = peer.expect(path).await;
                peer.reply("!done", &tag, &[]).await;
            }
        };
        let (a, b, c, ()) = tokio::join!(
            client.call(command("/a")),
            client.call(command("/b")),
            client.call(command("/c")),
            answer
        );
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(writes.load(Ordering::SeqCst), 1);

        let answer = async {
            for _ in 0..50 {
                let (_, tag) = peer.expect("/x/add").await;
                peer.reply("!done", &tag, &[]).await;
            }
        };
        let batch = client.call_batch(vec![command("/x/add"); 50], BatchOptions::new());
        let (batch, ()) = tokio::join!(batch, answer);
        assert!(batch.error.is_none());
        assert_eq!(writes.load(Ordering::SeqCst), 2);
    })
    .await;
}

/// The pipe takes half a sentence, then waits. By the time it takes more, the fence has fallen: the sentence that
/// had begun is finished, and those behind it are taken back.
#[tokio::test]
async fn the_fence_also_stops_what_waits_to_be_written() {
    watched(async {
        let (client, mut peer, _) = piped(10).await;
        let asked = AtomicUsize::new(0);
        // Three commands are put together; the next question comes when the pipe has taken its 10 bytes.
        let fence = move || asked.fetch_add(1, Ordering::SeqCst) < 3;
        let commands = vec![command("/x/add"); 3];
        let answer = async {
            let (_, tag) = peer.expect("/x/add").await;
            peer.reply("!done", &tag, &[]).await;
            peer.until_gone().await;
        };
        let batch = async {
            let batch = client
                .call_batch(commands, BatchOptions::new().fence(fence))
                .await;
            client.close();
            batch
        };
        let (batch, ()) = tokio::join!(batch, answer);
        assert_eq!(
            batch.outcomes,
            [
                Outcome::Done { ret: None },
                Outcome::NotSent,
                Outcome::NotSent
            ]
        );
        assert!(batch.error.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_command_half_written_when_the_connection_ends_was_not_done() {
    watched(async {
        let (client, mut peer, _) = piped(10).await;
        let answer = async move {
            // The first bytes are there, the rest never fits: the router goes.
            let mut byte = [0];
            tokio::io::AsyncReadExt::read_exact(&mut peer.stream, &mut byte)
                .await
                .unwrap();
            drop(peer);
        };
        let (outcome, ()) = tokio::join!(client.call(command("/system/identity/print")), answer);
        let error = outcome.unwrap_err();
        assert!(
            error.needs_reconnect() && !error.is_outcome_unknown(),
            "{error}"
        );
    })
    .await;
}
