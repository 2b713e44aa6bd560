//! What can go wrong on the way to a console, and who may come at all.

use std::time::Duration;

use mikro2fa_router::simulator::{
    Fault, On, PreparedNames, Reachability, Simulator, SimulatorBuilder, Then,
};

use crate::secure_shell::Ssh;

const ADD: &str = "/ip firewall address-list add list=x address=192.0.2.1";
const WORD: &str = "/ip/firewall/address-list/add";

fn router() -> SimulatorBuilder {
    // Keys of this kind are quickest.
    Simulator::builder()
        .ssh_setting("host-key-type", "ed25519")
        .ssh(0)
}

fn listed(sim: &Simulator) -> usize {
    sim.rows("/ip/firewall/address-list").len()
}

fn befallen(sim: &Simulator, fault: &str) -> bool {
    sim.commands()
        .iter()
        .any(|it| it.command == WORD && it.fault == Some(fault))
}

#[tokio::test]
async fn a_reply_that_is_lost_leaves_the_change_done_and_the_client_waiting() {
    let sim = router().start().await.unwrap();
    sim.inject(On::command(WORD).once(), Fault::LoseReply);
    let ssh = Ssh::knowing(&sim);
    let mut waiting = ssh.command("admin", "admin-secret", ADD).spawn().unwrap();
    sim.until(|sim| befallen(sim, "lose-reply")).await;
    assert_eq!(listed(&sim), 1);
    assert!(waiting.try_wait().unwrap().is_none());
    waiting.kill().await.unwrap();
    sim.until(|sim| sim.connection_count() == 0).await;
    // It was once.
    let said = ssh
        .run(
            "admin",
            "admin-secret",
            ":put [:len [/ip firewall address-list find]]",
        )
        .await;
    assert_eq!(said.text(), "1\r\n");
}

#[tokio::test]
async fn a_connection_is_cut_before_after_or_in_the_middle() {
    let sim = router().start().await.unwrap();
    let ssh = Ssh::knowing(&sim);
    let line = format!(":put before; {ADD}; :put after");
    for (fault, printed, done) in [
        (Fault::CutBefore, "", 0),
        (Fault::CutMidReply(4), "befo", 1),
        (Fault::CutAfter, "", 1),
        (Fault::Fatal("going down".to_owned()), "", 0),
        (
            Fault::Partial {
                rows: 1,
                then: Then::Cut,
            },
            "before\r\n",
            1,
        ),
    ] {
        sim.console("/ip firewall address-list remove [find]");
        sim.inject(On::command(WORD).once(), fault.clone());
        let said = ssh.run("admin", "admin-secret", &line).await;
        assert_eq!(said.status, Some(255), "{fault:?}");
        assert_eq!(
            (said.text().as_str(), listed(&sim)),
            (printed, done),
            "{fault:?}"
        );
        assert!(befallen(&sim, fault.name()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_late_command_is_done_when_nobody_waits_any_more() {
    let sim = router().start().await.unwrap();
    sim.inject(
        On::command(WORD).once(),
        Fault::Late(Duration::from_secs(20)),
    );
    let ssh = Ssh::knowing(&sim);
    let mut waiting = ssh.command("admin", "admin-secret", ADD).spawn().unwrap();
    sim.until(|sim| befallen(sim, "late")).await;
    waiting.kill().await.unwrap();
    sim.until(|sim| sim.connection_count() == 0).await;
    assert_eq!(listed(&sim), 0);
    sim.advance(Duration::from_secs(20));
    assert_eq!(listed(&sim), 1);
}

#[tokio::test]
async fn an_error_befalls_the_command_and_can_be_caught() {
    let sim = router().start().await.unwrap();
    let trap = Fault::trap("failure: out of luck");
    sim.inject(On::command(WORD).once(), trap.clone());
    let ssh = Ssh::knowing(&sim);
    let line = format!(":do {{ {ADD} }} on-error={{ :put caught }}; {ADD}; :put done");
    let said = ssh.run("admin", "admin-secret", &line).await;
    assert_eq!(said.text(), "caught\r\ndone\r\n");
    assert_eq!(listed(&sim), 1);
    sim.inject(On::command(WORD).once(), trap);
    let said = ssh.run("admin", "admin-secret", ADD).await;
    assert_eq!(said.text(), "failure: out of luck\r\n");
}

#[tokio::test]
async fn latency_and_garbage_are_the_answers() {
    let sim = router().start().await.unwrap();
    let ssh = Ssh::knowing(&sim);
    let latency = sim.inject(On::command(WORD), Fault::Latency(Duration::from_millis(30)));
    let said = ssh
        .run("admin", "admin-secret", &format!("{ADD}; :put done"))
        .await;
    assert_eq!(said.text(), "done\r\n");
    sim.clear_fault(latency);
    sim.inject(
        On::any().by("admin").skip(1).once(),
        Fault::Garbage(vec![0xFF, 0, 7]),
    );
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.stdout, [0xFF, 0, 7]);
}

#[tokio::test]
async fn logins_are_refused_and_routers_unreachable() {
    let sim = router().start().await.unwrap();
    let ssh = Ssh::knowing(&sim);
    // A client that was refused tries the other way to be asked for a password.
    sim.inject(On::login().times(2), Fault::RefuseLogin);
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert!(said.stderr.contains("Permission denied"), "{}", said.stderr);
    sim.set_reachability(Reachability::Refusing);
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.status, Some(255));
    sim.set_reachability(Reachability::Reachable);
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.text(), "1\r\n", "{}", said.stderr);
}

#[tokio::test]
async fn a_user_needs_the_policy_the_address_and_an_open_service() {
    let sim = router()
        .prepared(PreparedNames::default())
        .user("watcher", "pw", "read")
        .start()
        .await
        .unwrap();
    let ssh = Ssh::knowing(&sim);
    let daily = sim.names().user.clone();
    let said = ssh
        .run(
            &daily,
            sim.daily_password(),
            ":put [/user active get 0 via]",
        )
        .await;
    assert_eq!(said.text(), "ssh\r\n", "{}", said.stderr);
    // What a group may not do it may not do here either.
    let said = ssh.run("watcher", "pw", ADD).await;
    assert_eq!(said.text(), "not enough permissions (9)\r\n");
    sim.console("/user group set read policy=api,read");
    let said = ssh.run("watcher", "pw", ":put 1").await;
    assert!(said.stderr.contains("Permission denied"), "{}", said.stderr);
    sim.console("/user set admin address=10.0.0.0/8");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert!(said.stderr.contains("Permission denied"), "{}", said.stderr);
    sim.console("/user set admin address=\"\"");
    sim.console("/ip service set ssh address=10.0.0.0/8");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.status, Some(255));
    sim.console("/ip service set ssh address=\"\" disabled=yes");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.status, Some(255));
    sim.console("/ip service enable ssh");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.text(), "1\r\n");
    let log: Vec<_> = sim.rows("/log");
    assert!(log.iter().any(|row| row["message"].ends_with("via ssh")));
}
