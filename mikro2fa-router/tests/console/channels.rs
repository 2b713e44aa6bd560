//! Several channels on one connection, by libssh2.

use std::{io::Read as _, net::TcpStream};

use mikro2fa_router::simulator::{Simulator, SimulatorBuilder};
use ssh2::Session;

fn router() -> SimulatorBuilder {
    Simulator::builder()
        .ssh_setting("host-key-type", "ed25519")
        .ssh(0)
}

fn connect(sim: &Simulator) -> Session {
    let mut session = Session::new().unwrap();
    session.set_tcp_stream(TcpStream::connect(sim.ssh_address().unwrap()).unwrap());
    session.handshake().unwrap();
    session.userauth_password("admin", "admin-secret").unwrap();
    session
}

fn run(session: &Session, line: &str) -> String {
    let mut channel = session.channel_session().unwrap();
    channel.exec(line).unwrap();
    let mut printed = String::new();
    channel.read_to_string(&mut printed).unwrap();
    channel.wait_close().unwrap();
    assert_eq!(channel.exit_status().unwrap(), 0);
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_another_is_served() {
    let sim = router().start().await.unwrap();
    let asked = sim.clone();
    tokio::task::spawn_blocking(move || {
        let session = connect(&asked);
        assert_eq!(session.banner(), Some("SSH-2.0-ROSSSH"));
        for number in 0..5 {
            assert_eq!(
                run(&session, &format!(":put {number}")),
                format!("{number}\r\n")
            );
        }
        // What was set for all lines stays with the router.
        run(&session, ":global x 7");
        assert_eq!(run(&session, ":put $x"), "7\r\n");
    })
    .await
    .unwrap();
    assert_eq!(sim.totals_by_connection().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_at_a_time_is_refused_or_served() {
    for served in [false, true] {
        let router = router().quirks(|quirks| quirks.ssh_serves_second_channel = served);
        let sim = router.start().await.unwrap();
        tokio::task::spawn_blocking(move || {
            let session = connect(&sim);
            let _first = session.channel_session().unwrap();
            assert_eq!(session.channel_session().is_ok(), served);
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_end_where_the_router_ends_them() {
    let sim = router().start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let session = connect(&sim);
        assert_eq!(run(&session, ":put 1\n:put 2"), "1\r\n");
        sim.set_quirks(|quirks| quirks.ssh_several_lines = true);
        assert_eq!(run(&session, ":put 1\n:put 2"), "1\r\n2\r\n");
        sim.set_quirks(|quirks| quirks.ssh_longest_line = 30);
        let mut channel = session.channel_session().unwrap();
        assert!(
            channel
                .exec(&format!(":put \"{}\"", "a".repeat(30)))
                .is_err()
        );
    })
    .await
    .unwrap();
}
