//! Keys of users and of the router, and which algorithms it offers.

use std::process::Command;

use mikro2fa_router::simulator::{Simulator, SimulatorBuilder, Version};

use crate::secure_shell::Ssh;

fn router(version: Version) -> SimulatorBuilder {
    Simulator::builder().version(version).ssh(0)
}

/// What a client of today needs for a router of version 6.
const OLD: [&str; 4] = [
    "HostKeyAlgorithms=+ssh-rsa",
    "PubkeyAcceptedAlgorithms=+ssh-rsa",
    "KexAlgorithms=+diffie-hellman-group14-sha1",
    "MACs=+hmac-sha1",
];

/// Makes a key pair in the client's folder; the public half.
fn key_pair(ssh: &Ssh, kind: &str) -> String {
    let file = ssh.path(kind);
    let bits = if kind == "rsa" { "2048" } else { "256" };
    let made = Command::new("ssh-keygen")
        .args([
            "-q", "-N", "", "-C", "ann@desk", "-t", kind, "-b", bits, "-f",
        ])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    std::fs::read_to_string(file.with_extension("pub")).unwrap()
}

fn with_key(ssh: Ssh, kind: &str) -> Ssh {
    let identity = format!("IdentityFile={}", ssh.path(kind).display());
    ssh.option(&identity)
        .option("PreferredAuthentications=publickey")
}

fn old(mut ssh: Ssh) -> Ssh {
    for option in OLD {
        ssh = ssh.option(option);
    }
    ssh
}

#[tokio::test]
async fn a_user_with_a_key_comes_by_it_and_no_longer_by_password() {
    for (version, kind) in [
        (Version::V7_12, "ed25519"),
        (Version::V7_22, "ed25519"),
        (Version::V7_16, "rsa"),
    ] {
        let sim = router(version).start().await.unwrap();
        let by_password = Ssh::knowing(&sim);
        let by_key = Ssh::knowing(&sim);
        let public = key_pair(&by_key, kind);
        let by_key = with_key(by_key, kind);
        assert_eq!(by_key.run("admin", "", ":put 1").await.status, Some(255));

        let add = format!("/user ssh-keys add user=admin key=\"{}\"", public.trim());
        let said = by_password.run("admin", "admin-secret", &add).await;
        assert_eq!((said.text().as_str(), said.status), ("", Some(0)));
        let said = by_key
            .run("admin+cet200w", "", ":put [/user ssh-keys get 0 bits]")
            .await;
        let bits = if kind == "rsa" { "2048\r\n" } else { "256\r\n" };
        assert_eq!(said.text(), bits, "{version}: {}", said.stderr);

        let said = by_password.run("admin", "admin-secret", ":put 1").await;
        assert_eq!(said.status, Some(255), "{version}");
        let allow = if version.at_least(7, 21) {
            "/ip ssh set password-authentication=yes"
        } else {
            "/ip ssh set always-allow-password-login=yes"
        };
        assert_eq!(by_key.run("admin", "", allow).await.text(), "");
        let said = by_password.run("admin", "admin-secret", ":put 1").await;
        assert_eq!(said.text(), "1\r\n", "{version}");
    }
}

#[tokio::test]
async fn an_old_router_takes_rsa_with_sha_1_and_no_ed25519() {
    let probe = Simulator::builder().ssh(0).start().await.unwrap();
    let pair = Ssh::to(&probe);
    let (rsa, ed25519) = (key_pair(&pair, "rsa"), key_pair(&pair, "ed25519"));
    let sim = router(Version::V6_49)
        .ssh_key("admin", rsa)
        .start()
        .await
        .unwrap();
    for file in ["rsa", "rsa.pub"] {
        assert!(pair.path(file).exists());
    }
    let client = Ssh::knowing(&sim);
    for file in ["rsa", "rsa.pub"] {
        std::fs::copy(pair.path(file), client.path(file)).unwrap();
    }
    // A client that offers nothing old does not get in.
    let said = with_key(client, "rsa").run("admin", "", ":put 1").await;
    assert_eq!(said.status, Some(255));

    let client = Ssh::knowing(&sim);
    for file in ["rsa", "rsa.pub"] {
        std::fs::copy(pair.path(file), client.path(file)).unwrap();
    }
    let client = with_key(old(client), "rsa");
    let said = client.run("admin", "", ":put 1").await;
    assert_eq!(said.text(), "1\r\n", "{}", said.stderr);
    let said = client
        .run("admin", "", "/user ssh-keys add user=admin key=x")
        .await;
    assert_eq!(said.text(), "bad command name add (line 1 column 16)\r\n");
    let said = client
        .run(
            "admin",
            "",
            "/user ssh-keys import public-key-file=k.pub user=admin",
        )
        .await;
    assert_eq!(
        said.text(),
        "input does not match any value of public-key-file\r\n"
    );

    // Nor does version 7 before 7.12 take an Ed25519 key.
    let sim = router(Version::new(7, 10, 2)).start().await.unwrap();
    let add = format!("/user ssh-keys add user=admin key=\"{}\"", ed25519.trim());
    let said = Ssh::knowing(&sim).run("admin", "admin-secret", &add).await;
    assert_eq!(
        said.text(),
        "unable to load key file (wrong format or bad passphrase)\r\n"
    );
}

#[tokio::test]
async fn strong_crypto_leaves_group_exchange_alone() {
    let sim = router(Version::V6_49)
        .ssh_setting("strong-crypto", "true")
        .start()
        .await
        .unwrap();
    let ssh = Ssh::knowing(&sim).option("HostKeyAlgorithms=+ssh-rsa");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.text(), "1\r\n", "{}", said.stderr);
    let ssh = old(Ssh::knowing(&sim).option("KexAlgorithms=diffie-hellman-group14-sha1"));
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert_eq!(said.status, Some(255));
}

#[tokio::test]
async fn the_host_key_is_of_the_kind_that_is_set_and_changes_with_it() {
    let sim = router(Version::V7_16).start().await.unwrap();
    let before = sim.host_key().unwrap();
    assert!(before.starts_with("ssh-rsa "), "{before}");
    let ssh = Ssh::knowing(&sim);
    let said = ssh
        .run("admin", "admin-secret", "/ip ssh set host-key-type=ed25519")
        .await;
    assert_eq!(said.text(), "");
    let after = sim.host_key().unwrap();
    assert!(after.starts_with("ssh-ed25519 "), "{after}");
    let said = ssh.run("admin", "admin-secret", ":put 1").await;
    assert!(
        said.stderr.contains("Host key verification failed"),
        "{}",
        said.stderr
    );
    let said = Ssh::knowing(&sim)
        .run("admin", "admin-secret", "/ip ssh regenerate-host-key")
        .await;
    assert_eq!(said.text(), "");
    assert_ne!(sim.host_key().unwrap(), after);
    sim.change_host_keys();
    let said = Ssh::knowing(&sim)
        .run("admin", "admin-secret", ":put 1")
        .await;
    assert_eq!(said.text(), "1\r\n");
}
