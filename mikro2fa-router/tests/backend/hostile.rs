//! Routers that mean harm, are broken, or are only very slow: every look ends, in a clear error, and the next one works.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use mikro2fa_core::router_backend::RouterBackend;
use routeros_api::{Decoder, Sentence};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

/// Only ever ends a test that hangs.
const WATCHDOG: Duration = Duration::from_secs(50);

/// What the first connection is told about its tunnels; later ones hear that there are none.
#[derive(Clone)]
enum Says {
    /// These bytes, with the tag of the question for `TAG`.
    Bytes(Vec<u8>),
    /// The same again and again, as fast as they are taken.
    Endlessly(Vec<u8>),
    /// The same again and again, with a pause between.
    Trickling(Vec<u8>),
    /// These bytes, and then the connection is closed.
    AndLeaves(Vec<u8>),
}

/// Something that lets everybody log in.
struct Hostile {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    clock: Arc<mikro2fa_core::testing::ManualClock>,
}

impl Hostile {
    async fn that(says: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        tokio::spawn(async move {
            let mut first = Some(says);
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, first.take(), Arc::clone(&counter)));
            }
        });
        Self {
            address,
            sent,
            clock: Arc::new(mikro2fa_core::testing::ManualClock::new(world::NOW)),
        }
    }

    /// A backend that waits so long for an answer.
    fn backend(&self, patience: Duration) -> Arc<dyn RouterBackend> {
        world::backend_at(self.address, patience, &self.clock)
    }
}

async fn talk(mut stream: TcpStream, says: Option<Says>, sent: Arc<AtomicU64>) {
    let mut decoder = Decoder::default();
    loop {
        while let Some(question) = decoder.next().unwrap() {
            if answer(&mut stream, &question, says.as_ref(), &sent)
                .await
                .is_none()
            {
                return;
            }
        }
        match stream.read(decoder.room()).await {
            Ok(0) | Err(_) => return,
            Ok(count) => decoder.filled(count),
        }
    }
}

/// None once the connection is over.
async fn answer(
    stream: &mut TcpStream,
    question: &Sentence,
    says: Option<&Says>,
    sent: &AtomicU64,
) -> Option<()> {
    let tag = question.api_attribute(".tag").unwrap_or_default().to_vec();
    let tagged = |words: &[&str]| {
        let mut command = ApiCommand::new(words[0]).word([b".tag=".as_slice(), &tag].concat());
        for word in &words[1..] {
            command = command.word(*word);
        }
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        bytes
    };
    let usual = match question.command().unwrap() {
        b"/system/resource/print" => [tagged(&["!re", "=uptime=1h"]), tagged(&["!done"])].concat(),
        b"/ppp/active/print" => match says {
            None => tagged(&["!done"]),
            Some(says) => return say(stream, says, &tag, sent).await,
        },
        _ => tagged(&["!done"]),
    };
    stream.write_all(&usual).await.ok()
}

async fn say(stream: &mut TcpStream, says: &Says, tag: &[u8], sent: &AtomicU64) -> Option<()> {
    let send = async |stream: &mut TcpStream, bytes: &[u8]| {
        stream.write_all(bytes).await.ok()?;
        sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some(())
    };
    match says {
        Says::Bytes(bytes) => send(stream, &with_tag(bytes, tag)).await,
        Says::AndLeaves(bytes) => {
            send(stream, &with_tag(bytes, tag)).await?;
            None
        }
        Says::Endlessly(bytes) => {
            let bytes = with_tag(bytes, tag).repeat(1 + 65_536 / bytes.len());
            loop {
                send(stream, &bytes).await?;
            }
        }
        Says::Trickling(bytes) => {
            let bytes = with_tag(bytes, tag);
            loop {
                send(stream, &bytes).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// A word that holds nothing but `TAG` becomes the tag of the question.
fn with_tag(bytes: &[u8], tag: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(4).position(|four| four == b"\x03TAG") {
        out.extend_from_slice(&rest[..at]);
        out.push(u8::try_from(tag.len() + 5).unwrap());
        out.extend_from_slice(b".tag=");
        out.extend_from_slice(tag);
        rest = &rest[at + 4..];
    }
    out.extend_from_slice(rest);
    out
}

/// A sentence of these words.
fn words(all: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Sentence::from_words(all).encode(&mut bytes);
    bytes
}

const ROW: &[&[u8]] = &[
    b"!re",
    b"TAG",
    b"=.id=*1",
    b"=name=ann",
    b"=service=l2tp",
    b"=caller-id=198.51.100.9",
    b"=address=10.8.0.2",
    b"=uptime=1m",
    b"=session-id=0x81C00002",
];

const DONE: &[&[u8]] = &[b"!done", b"TAG"];

async fn look(backend: &Arc<dyn RouterBackend>) -> Result<usize, RouterError> {
    let looked = tokio::time::timeout(WATCHDOG, backend.observe(&all_tunnels())).await;
    let seen = looked.expect("a look that never ends")?;
    Ok(seen.tunnels.map_or(0, |seen| seen.rows.len()))
}

/// The look at a router that says this, after which another one must work.
async fn looked(says: Says, patience: Duration) -> Result<usize, RouterError> {
    let router = Hostile::that(says).await;
    let backend = router.backend(patience);
    let first = look(&backend).await;
    if first.is_err() {
        // On a busy machine the haste may be too much for a good answer, too.
        let mut tries = 0;
        while look(&backend).await != Ok(0) {
            tries += 1;
            assert!(tries < 100, "it never got over {first:?}");
        }
    }
    first
}

const USUAL: Duration = Duration::from_secs(30);
const HASTY: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_good_answer_is_understood() {
    let says = Says::Bytes([words(ROW), words(DONE)].concat());
    assert_eq!(looked(says, USUAL).await, Ok(1));
}

#[tokio::test]
async fn a_reply_that_never_ends_takes_no_more_than_its_room() {
    // As long as a word may be: a row each would take longer here than on a router.
    let long = [b"=comment=".as_slice(), &[b'x'; 60_000]].concat();
    let row: Vec<&[u8]> = ROW.iter().copied().chain([long.as_slice()]).collect();
    let router = Hostile::that(Says::Endlessly(words(&row))).await;
    let backend = router.backend(USUAL);
    let error = look(&backend).await.unwrap_err();
    assert!(matches!(error, RouterError::Protocol(_)), "{error}");
    // What is kept at most, and what lies in the sockets between us.
    let sent = router.sent.load(Ordering::Relaxed);
    assert!(sent < 48 << 20, "{sent} bytes were taken");
    assert_eq!(look(&backend).await, Ok(0));
}

#[tokio::test]
async fn a_reply_that_trickles_is_given_up_at_its_deadline() {
    let error = looked(Says::Trickling(words(ROW)), HASTY).await;
    assert_eq!(error, Err(RouterError::TimedOut));
}

#[tokio::test]
async fn a_sentence_without_an_end_is_given_up_at_its_deadline() {
    let whole = words(ROW);
    for cut in [1, 3, 20, whole.len() - 1] {
        let error = looked(Says::Bytes(whole[..cut].to_vec()), HASTY).await;
        assert_eq!(error, Err(RouterError::TimedOut), "{cut}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_in_a_sentence_is_no_answer() {
    let whole = [words(ROW), words(DONE)].concat();
    for cut in [1, 20, words(ROW).len(), whole.len() - 1] {
        let error = looked(Says::AndLeaves(whole[..cut].to_vec()), USUAL).await;
        assert!(
            matches!(error, Err(RouterError::Unreachable(_))),
            "{cut}: {error:?}"
        );
    }
}

#[tokio::test]
async fn reserved_control_bytes_and_endless_words_are_no_api() {
    for bytes in [
        &b"\xF8"[..],
        b"\xFF\xFF\xFF\xFF",
        b"\xF1\x00",
        // A word of 256 MiB, and one of 4 GiB.
        b"\xF0\x10\x00\x00\x00",
        b"\xF0\xFF\xFF\xFF\xFF",
    ] {
        let says = [words(ROW), bytes.to_vec()].concat();
        let error = looked(Says::Bytes(says), USUAL).await;
        assert!(
            matches!(error, Err(RouterError::Protocol(_))),
            "{bytes:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_sentence_without_end_of_words_is_no_api() {
    let endless = Says::Endlessly(b"\x09=name=ann".to_vec());
    let error = looked(endless, USUAL).await;
    assert!(matches!(error, Err(RouterError::Protocol(_))), "{error:?}");
}

#[tokio::test]
async fn tags_nobody_asked_for_and_unknown_replies_change_nothing() {
    let says = [
        words(&[b"!re", b".tag=nobody", b"=.id=*7", b"=name=eve"]),
        words(&[b"!done", b".tag=nobody"]),
        words(&[b"!trap", b".tag=4294967296", b"=message=no such item"]),
        words(&[b"!done", b".tag="]),
        words(&[b"!re", b"=.id=*8", b"=name=eve"]),
        words(&[b"!done"]),
        words(&[b"!what", b"TAG"]),
        words(&[b"!empty", b"TAG"]),
        words(ROW),
        words(DONE),
        words(DONE),
    ]
    .concat();
    assert_eq!(looked(Says::Bytes(says), USUAL).await, Ok(1));
}

#[tokio::test]
async fn text_in_another_code_page_fails_nothing() {
    let mut row = ROW.to_vec();
    row[3] = b"=name=\xC0\xED\xED\xE0";
    row.push(b"=comment=\xFF\xFE\x00\x80");
    let says = [words(&row), words(DONE)].concat();
    assert_eq!(looked(Says::Bytes(says), USUAL).await, Ok(1));
}

#[tokio::test]
async fn rows_that_make_no_sense_are_an_error_or_left_out_and_nothing_else() {
    let rows: [&[&[u8]]; 8] = [
        &[b"!re", b"TAG"],
        &[b"!re", b"TAG", b"=.id="],
        &[b"!re", b"TAG", b"=.id=*1", b"=name="],
        &[b"!re", b"TAG", b"=.id=*1", b"=name=ann", b"=uptime=-5s"],
        &[
            b"!re",
            b"TAG",
            b"=.id=*1",
            b"=name=ann",
            b"=uptime=99999999999999999999w",
        ],
        &[b"!re", b"TAG", b"=.id=*1", b"=name=ann", b"=address=house"],
        &[b"!re", b"TAG", b"==", b"=", b"name=ann", b"?name=ann"],
        &[
            b"!re", b"TAG", b"=.id=*1", b"=.id=*2", b"=name=a", b"=name=b",
        ],
    ];
    for row in rows {
        let says = [words(row), words(DONE)].concat();
        // The connection is as good as before: it would say the same again.
        let router = Hostile::that(Says::Bytes(says)).await;
        let seen = look(&router.backend(USUAL)).await;
        assert!(
            matches!(seen, Ok(0 | 1) | Err(RouterError::Protocol(_))),
            "{row:?}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_is_half_open_is_noticed_and_replaced() {
    let world = World::new().await;
    let hasty = world.hasty();
    while hasty.observe(&all_tunnels()).await.is_err() {}
    world.sim.dial(Dial::new("ann", "pw")).unwrap();
    world.sim.set_reachability(Reachability::Silent);
    assert_eq!(
        hasty.observe(&all_tunnels()).await,
        Err(RouterError::TimedOut)
    );
    let permit = world.permit(7, ANNS, 30);
    world.sim.set_reachability(Reachability::Reachable);
    let mut seen = hasty.observe(&all_tunnels()).await;
    while seen.is_err() {
        seen = hasty.observe(&all_tunnels()).await;
    }
    assert_eq!(seen.unwrap().tunnels.unwrap().rows.len(), 1);
    assert!(matches!(
        world.apply_one(permit).await,
        Applied::Done { handle: Some(_) }
    ));
}

#[tokio::test]
async fn a_clock_in_1970_changes_nothing() {
    for version in [Version::V6_49, Version::V7_16, Version::V7_22] {
        let world = World::of(office().version(version).date(0)).await;
        let identity = world.backend.identify().await.unwrap();
        assert!(identity.uptime > Duration::ZERO);
        let tunnel = world.sim.dial(Dial::new("ann", "pw")).unwrap();
        let before = world.tunnels().await;
        world.apply_one(world.permit(7, ANNS, 30)).await;
        // It has found a time server, and lost it again.
        world.sim.set_date(1_790_000_000);
        world.advance(Duration::from_secs(10));
        let after = world.tunnels().await;
        assert_eq!(before[0].same_as(&after[0]), Same::Yes);
        let permits = world.look(&all_permits()).await.permits.unwrap().rows;
        assert_eq!(permits[0].left, Some(Duration::from_secs(20)));
        world.sim.set_date(0);
        world.advance(Duration::from_secs(21));
        assert!(
            world
                .sim
                .would_pass(&Flow::between(&tunnel, [192, 168, 88, 10]))
                .is_dropped()
        );
    }
}
