//! OpenSSH's client on the simulator.

use mikro2fa_router::simulator::{Simulator, SimulatorBuilder, Version, Via};

use crate::secure_shell::Ssh;

fn router() -> SimulatorBuilder {
    Simulator::builder().account("ann", "pw").ssh(0)
}

#[tokio::test]
async fn a_line_is_answered_on_the_standard_output_with_a_status_of_nought() {
    let sim = router().start().await.unwrap();
    let ssh = Ssh::knowing(&sim);
    let said = ssh
        .run("admin", "admin-secret", ":put [/system identity get name]")
        .await;
    assert_eq!(said.text(), "MikroTik\r\n", "{}", said.stderr);
    assert_eq!(said.status, Some(0));

    // Also what fails.
    let said = ssh.run("admin", "admin-secret", "/ip foo print").await;
    assert_eq!(said.text(), "bad command name foo (line 1 column 5)\r\n");
    assert_eq!((said.status, said.stderr.as_str()), (Some(0), ""));

    let commands = sim.commands();
    let seen: Vec<_> = commands
        .iter()
        .map(|it| (it.via, it.command.as_str()))
        .collect();
    let expected = [
        (Via::Ssh, "/login"),
        (Via::Ssh, "/system/identity/get"),
        (Via::Ssh, "/login"),
        (Via::Ssh, ":"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(sim.unknown_commands().len(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let sim = router().start().await.unwrap();
    let said = Ssh::knowing(&sim).run("admin", "wrong", ":put 1").await;
    assert_eq!(said.status, Some(255));
    assert!(said.stderr.contains("Permission denied"), "{}", said.stderr);
    sim.until(|sim| sim.connection_count() == 0).await;
}

#[tokio::test]
async fn another_host_key_is_noticed() {
    let (sim, other) = (
        router().start().await.unwrap(),
        router().start().await.unwrap(),
    );
    let ssh = Ssh::to(&sim);
    let known = format!(
        "[127.0.0.1]:{} {}\n",
        sim.ssh_address().unwrap().port(),
        other.host_key().unwrap()
    );
    std::fs::write(ssh.path("known_hosts"), known).unwrap();
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.status, Some(255));
    assert!(
        said.stderr.contains("Host key verification failed"),
        "{}",
        said.stderr
    );
    assert!(sim.host_fingerprint().unwrap().starts_with("SHA256:"));
}

#[tokio::test]
async fn what_is_long_arrives_whole() {
    let mut router = router();
    for number in 0..3_000 {
        router = router.account(format!("someone-{number}"), "pw");
    }
    let sim = router.version(Version::V7_22).start().await.unwrap();
    let said = Ssh::knowing(&sim)
        .run("admin", "admin-secret", "/ppp secret print terse")
        .await;
    assert_eq!(said.text().lines().count(), 3_001);
    assert!(said.stdout.ends_with(b"\r\n"));
}

#[tokio::test]
async fn the_password_may_be_asked_for_in_another_way() {
    for (offers, status) in [(true, 0), (false, 255)] {
        let router = router().quirks(|quirks| quirks.ssh_keyboard_interactive = Some(offers));
        let sim = router.start().await.unwrap();
        let ssh = Ssh::knowing(&sim).option("PreferredAuthentications=keyboard-interactive");
        let said = ssh.run("admin", "admin-secret", ":put 1").await;
        assert_eq!(said.status, Some(status), "{}", said.stderr);
    }
}
