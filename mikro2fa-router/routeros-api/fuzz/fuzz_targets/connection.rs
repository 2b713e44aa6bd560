//! Any bytes from a router with commands under way: every command ends at most once, and none is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use routeros_api::connection::{Connection, Event};
use routeros_api::{Command, Limits};

fuzz_target!(|bytes: &[u8]| {
    let mut connection = Connection::new(Limits::default());
    let mut ended = [false; 8];
    for number in 0..ended.len() {
        let tag = connection.send(&Command::new("/x/print"), number);
        if number % 3 == 0 {
            connection.cancel(tag);
        }
    }
    connection.wrote(connection.outbound().len() / 2);
    connection.receive(bytes);
    while let Ok(Some(event)) = connection.next() {
        match event {
            Event::Row { context, .. } | Event::Trap { context, .. } => assert!(!ended[*context]),
            Event::Done { context, .. } => {
                assert!(!ended[context]);
                ended[context] = true;
            }
            _ => {}
        }
    }
    for (context, _sent) in connection.abandon() {
        assert!(!ended[context]);
        ended[context] = true;
    }
    assert!(ended.iter().all(|ended| *ended));
});
