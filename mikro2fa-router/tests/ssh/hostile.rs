//! Servers that mean no good: each ends in a clear error, in time, and the next round goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mikro2fa_core::router_backend::RouterError;
use mikro2fa_router::{
    Error, Ssh,
    sentence::{Path, Sentence},
    ssh::{Phase, SshError},
    transport::{Answer, End, Gate, Line, No, Transport},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::server::{Does, Plan, Server, mark};

fn open() -> Gate {
    Box::new(|| true)
}

fn look() -> Sentence {
    Sentence::new(Path::ActivePrint).only(&[".id", "name"])
}

fn removal() -> Sentence {
    Sentence::new(Path::ListRemove).of(["*1"])
}

async fn say(line: &impl Line, sentence: Sentence) -> Answer {
    let mut answers = line.exchange(vec![sentence], open()).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// A TCP server that says this and then nothing.
async fn mute(greeting: &'static [u8]) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(greeting).await;
            open.push(socket);
        }
    });
    Server {
        address,
        fingerprint: [0; 32],
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    for greeting in [&b""[..], b"SSH-2.0-ROSSSH\r\n"] {
        let server = mute(greeting).await;
        let mut config = server.config();
        config.deadlines.handshake = Duration::from_millis(1_500);
        let Err(Error::Ssh(error)) = Ssh::new(config).connect().await else {
            panic!("connected");
        };
        assert!(
            matches!(
                &error,
                SshError::TooSlow {
                    phase: Phase::Handshake,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("/ip service"), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_ssh_server_is_told_so() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for greeting in [
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            &[0xFF; 4_000],
            b"SSH-2.0-x\r\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"SSH-1.5-old\r\n",
            b"",
        ] {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.write_all(greeting).await;
            let _ = socket.shutdown().await;
            let mut rest = Vec::new();
            let _ = socket.read_to_end(&mut rest).await;
        }
    });
    let server = Server {
        address,
        fingerprint: [0; 32],
    };
    for _ in 0..5 {
        let Err(error) = server.connect().await else {
            panic!("connected");
        };
        let error = RouterError::from(error);
        assert!(matches!(error, RouterError::Unreachable(_)), "{error}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let server = Server {
        address,
        fingerprint: [0; 32],
    };
    let Err(error) = server.connect().await else {
        panic!("connected");
    };
    let text = RouterError::from(error).to_string();
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(text.to_lowercase().contains("refused"), "{text}");
}

/// A server whose answers to anything but a probe are these, one connection after another; then a line that works.
async fn then_well(first: fn(&str) -> Does) -> (Server, Arc<AtomicUsize>) {
    let said = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&said);
    let plan = Plan::says(move |line| match count.fetch_add(1, Ordering::Relaxed) {
        0 => first(line),
        _ => {
            let mark = mark(line);
            Does::Print(format!("{mark}r=*1{mark}f=ann\r\n{mark}.\r\n").into_bytes())
        }
    });
    (plan.start().await, said)
}

async fn works(server: &Server) {
    let line = server.connect().await.unwrap();
    let answer = say(&line, look()).await;
    assert_eq!(answer.complete().map(|rows| rows.len()), Some(1));
    assert!(line.closed().is_none());
}

#[tokio::test]
async fn what_breaks_off_is_lost_and_ends_the_line() {
    let cases: [fn(&str) -> Does; 5] = [
        |_| Does::Cut(Vec::new()),
        |line| Does::Cut(format!("{}r=*1", mark(line)).into_bytes()),
        |line| Does::Print(format!("{}r=*1", mark(line)).into_bytes()),
        |_| Does::Print(Vec::new()),
        |line| Does::Print(format!("{0}r=*1{0}f=a\"b\r\n{0}.\r\n", mark(line)).into_bytes()),
    ];
    for case in cases {
        let (server, _) = then_well(case).await;
        let line = server.connect().await.unwrap();
        let mut answers = line
            .exchange(vec![look(), look()], open())
            .await
            .into_iter();
        let ends: Vec<End> = answers.by_ref().map(|answer| answer.end).collect();
        assert_eq!(ends, [End::Lost, End::NotSent]);
        assert!(line.closed().is_some());
        assert_eq!(say(&line, look()).await.end, End::NotSent);
        works(&server).await;
    }
}

#[tokio::test]
async fn a_change_whose_answer_breaks_off_may_have_been_made() {
    let cases: [fn(&str) -> Does; 3] = [
        |_| Does::Cut(Vec::new()),
        |line| Does::Print(format!("{}d\r\n", mark(line)).into_bytes()),
        |_| Does::Print(Vec::new()),
    ];
    for case in cases {
        let (server, _) = then_well(case).await;
        let line = server.connect().await.unwrap();
        assert_eq!(say(&line, removal()).await.end, End::Lost);
        assert!(line.closed().is_some());
        works(&server).await;
    }
}

#[tokio::test]
async fn a_line_that_hangs_is_given_up_at_its_deadline() {
    let cases: [fn(&str) -> Does; 2] = [
        |_| Does::Hang(Vec::new()),
        |line| Does::Hang(format!("{}r=*1", mark(line)).into_bytes()),
    ];
    for case in cases {
        let (server, _) = then_well(case).await;
        let mut config = server.config();
        config.deadlines.answer = Duration::from_millis(1_500);
        let line = Ssh::new(config).connect().await.unwrap();
        assert_eq!(say(&line, look()).await.end, End::Lost);
        let reason = RouterError::from(line.closed().unwrap());
        assert_eq!(reason, RouterError::TimedOut);
        works(&server).await;
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let (server, _) = then_well(|_| Does::Endless).await;
    let line = server.connect().await.unwrap();
    assert_eq!(say(&line, look()).await.end, End::Lost);
    let Some(Error::Ssh(reason)) = line.closed() else {
        panic!("open");
    };
    assert!(
        matches!(reason, SshError::AnswerTooLarge { .. }),
        "{reason}"
    );
    works(&server).await;
}

#[tokio::test]
async fn a_channel_that_is_refused_ends_the_line() {
    let (server, _) = then_well(|_| Does::Refuse).await;
    let line = server.connect().await.unwrap();
    // Nobody knows what else was done with it.
    assert_eq!(say(&line, removal()).await.end, End::Lost);
    works(&server).await;
}

#[tokio::test]
async fn a_console_that_mangles_values_is_not_spoken_to() {
    let plan = Plan {
        lines: Arc::new(|line| {
            let text = String::from_utf8(crate::server::console(line)).unwrap();
            Does::Print(text.replace("%0.1.", "%0.0.").into_bytes())
        }),
        ..Plan::default()
    };
    let server = plan.start().await;
    let Err(error) = server.connect().await else {
        panic!("spoken to");
    };
    let error = RouterError::from(error);
    assert!(matches!(error, RouterError::Protocol(_)), "{error}");
}

#[tokio::test]
async fn a_shut_gate_lets_no_change_through_and_looks_go_on() {
    let (server, said) =
        then_well(|line| Does::Print(format!("{}.\r\n", mark(line)).into_bytes())).await;
    let line = server.connect().await.unwrap();
    let shut: Gate = Box::new(|| false);
    let answers = line.exchange(vec![removal(), look()], shut).await;
    assert_eq!(answers[0].end, End::NotSent);
    assert_eq!(answers[1].end, End::Done { ret: None });
    assert_eq!(
        said.load(Ordering::Relaxed),
        1,
        "the change was never on the wire"
    );
}

#[tokio::test]
async fn whoever_closes_a_line_need_not_wait_for_it() {
    let (server, _) = then_well(|_| Does::Hang(Vec::new())).await;
    let line = Arc::new(server.connect().await.unwrap());
    let asked = {
        let line = Arc::clone(&line);
        tokio::spawn(async move { say(&*line, look()).await })
    };
    while !asked.is_finished() {
        line.close();
        tokio::task::yield_now().await;
    }
    assert!(asked.await.unwrap().is_missing());
    assert!(matches!(line.closed(), Some(Error::Closed)));
}

#[tokio::test]
async fn errors_are_told_apart_by_their_words() {
    for (words, kind) in [
        ("no such item\r\n", No::Gone),
        (
            "bad command name address-lists (line 1 column 2)\r\n",
            No::NoSuchCommand,
        ),
        ("not enough permissions (9)\r\n", No::Denied),
    ] {
        let plan = Plan::says(move |_| Does::Print(words.as_bytes().to_vec()));
        let server = plan.start().await;
        let line = server.connect().await.unwrap();
        let End::Refused(refused) = say(&line, removal()).await.end else {
            panic!("{words}");
        };
        assert_eq!(refused.kind, kind);
        assert!(line.closed().is_none());
    }
}
