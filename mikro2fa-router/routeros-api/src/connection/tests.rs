use super::*;
use crate::sentence::Sentence;

fn connection() -> Connection<&'static str> {
    Connection::new(Limits::default())
}

fn reply(connection: &mut Connection<&'static str>, words: &[&str]) {
    let mut bytes = Vec::new();
    Sentence::from_words(words).encode(&mut bytes);
    connection.receive(&bytes);
}

/// One line an event.
fn events(connection: &mut Connection<&'static str>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = connection.next().unwrap() {
        seen.push(match event {
            Event::Row { context, row, .. } => {
                format!("{context} row {}", row.text("name").unwrap_or_default())
            }
            Event::Trap { context, trap, .. } => format!("{context} trap {}", trap.message()),
            Event::Done {
                context, sentence, ..
            } => {
                format!(
                    "{context} done {}",
                    String::from_utf8_lossy(sentence.attribute("ret").unwrap_or_default())
                )
            }
            Event::Fatal { reason } => format!("fatal {}", String::from_utf8_lossy(reason)),
            Event::Ignored(why) => format!("{why:?}"),
        });
    }
    seen
}

fn write_all(connection: &mut Connection<&'static str>) -> Vec<Sentence> {
    let mut decoder = Decoder::default();
    decoder.feed(connection.outbound());
    connection.wrote(connection.outbound().len());
    std::iter::from_fn(|| decoder.next().unwrap()).collect()
}

#[test]
fn replies_find_their_commands_in_any_order() {
    let mut connection = connection();
    connection.send(&Command::new("/a/print"), "a");
    connection.send(&Command::new("/b/add"), "b");
    assert_eq!(write_all(&mut connection).len(), 2);
    reply(&mut connection, &["!re", ".tag=1", "=name=x"]);
    reply(&mut connection, &["!done", "=ret=*3", ".tag=2"]);
    reply(&mut connection, &["!re", "=name=y", ".tag=1"]);
    reply(&mut connection, &["!done", ".tag=1"]);
    assert_eq!(
        events(&mut connection),
        ["a row x", "b done *3", "a row y", "a done "]
    );
    assert_eq!(connection.in_flight(), 0);
}

#[test]
fn a_cancelled_command_stays_known_until_its_done() {
    let mut connection = connection();
    let tag = connection.send(&Command::new("/ppp/active/listen"), "listen");
    connection.cancel(tag);
    let sent = write_all(&mut connection);
    assert_eq!(sent[1].command(), Some(&b"/cancel"[..]));
    assert_eq!(sent[1].attribute("tag"), Some(&b"1"[..]));
    assert_eq!(sent[1].api_attribute(".tag"), Some(&b"2"[..]));
    reply(&mut connection, &["!re", ".tag=1", "=name=late"]);
    reply(
        &mut connection,
        &["!trap", ".tag=1", "=category=2", "=message=interrupted"],
    );
    reply(&mut connection, &["!done", ".tag=2"]);
    reply(&mut connection, &["!done", ".tag=1"]);
    assert_eq!(
        events(&mut connection),
        [
            "listen row late",
            "listen trap interrupted",
            "Expected",
            "listen done "
        ]
    );
    connection.cancel(tag);
    assert!(
        connection.outbound().is_empty(),
        "what has ended needs no cancel"
    );
}

#[test]
fn what_nobody_asked_for_is_skipped() {
    let mut connection = connection();
    connection.send(&Command::new("/a/print"), "a");
    reply(&mut connection, &["!re", ".tag=99", "=name=x"]);
    reply(&mut connection, &["!done", ".tag=not-a-number"]);
    reply(&mut connection, &["!done"]);
    reply(&mut connection, &["!novel", ".tag=1"]);
    reply(&mut connection, &["!empty", ".tag=1"]);
    reply(&mut connection, &["!done", ".tag=1"]);
    reply(&mut connection, &["!done", ".tag=1"]);
    assert_eq!(
        events(&mut connection),
        [
            "NobodyAsked",
            "NobodyAsked",
            "NobodyAsked",
            "UnknownReply",
            "Expected",
            "a done ",
            "NobodyAsked"
        ]
    );
}

#[test]
fn fatal_needs_no_tag_and_leaves_the_commands_to_be_abandoned() {
    let mut connection = connection();
    connection.send(&Command::new("/a/print"), "sent");
    connection.wrote(connection.outbound().len());
    connection.send(&Command::new("/b/print"), "half");
    connection.wrote(connection.outbound().len() - 1);
    reply(
        &mut connection,
        &["!fatal", "session terminated on request"],
    );
    assert_eq!(
        events(&mut connection),
        ["fatal session terminated on request"]
    );
    let mut left: Vec<_> = connection.abandon().collect();
    left.sort_unstable();
    assert_eq!(left, [("half", false), ("sent", true)]);
}

#[test]
fn a_command_can_be_taken_back_until_its_first_byte_is_written() {
    let mut connection = connection();
    let first = connection.send(&Command::new("/first"), "first");
    connection.wrote(4);
    let second = connection.send(&Command::new("/second"), "second");
    let third = connection.send(&Command::new("/third"), "third");
    assert_eq!(connection.take_back(first), None);
    assert_eq!(connection.take_back(second), Some("second"));
    assert!(!connection.is_sent(first));
    let rest = connection.outbound().to_vec();
    assert_eq!(rest, b"rst\x06.tag=1\0\x06/third\x06.tag=3\0");
    connection.wrote(11);
    assert!(connection.is_sent(first) && !connection.is_sent(third));
    connection.wrote(rest.len() - 11);
    assert!(connection.is_sent(third) && connection.outbound().is_empty());
}

#[test]
fn what_a_large_answer_needed_is_given_back_while_a_listen_goes_on() {
    let mut connection = connection();
    connection.send(&Command::new("/ppp/active/listen"), "listen");
    for _ in 0..10 {
        let room = connection.room();
        room.fill(0);
        let count = room.len();
        connection.filled(count);
        assert!(events(&mut connection).is_empty());
    }
    assert!(connection.room().len() > 16_384);
    connection.shrink();
    assert!(connection.room().len() < 4_096);
    assert_eq!(connection.in_flight(), 1);
}
