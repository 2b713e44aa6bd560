//! OpenSSH's client, as a process.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Stdio, time::Duration};

use mikro2fa_router::simulator::Simulator;
use tokio::{process::Command, time::timeout};

/// Longer than anything takes here, on a machine that does much else.
const DEADLINE: Duration = Duration::from_secs(120);

/// `ssh`, with a folder of its own for what it knows and asks.
pub(crate) struct Ssh {
    folder: tempfile::TempDir,
    port: u16,
    options: Vec<String>,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    /// 255 where `ssh` itself failed.
    pub(crate) status: Option<i32>,
}

impl Said {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }
}

impl Ssh {
    /// A client that knows the router's host key and takes no other.
    pub(crate) fn knowing(sim: &Simulator) -> Self {
        let ssh = Self::to(sim);
        let known = format!("[127.0.0.1]:{} {}\n", ssh.port, sim.host_key().unwrap());
        fs::write(ssh.path("known_hosts"), known).unwrap();
        ssh
    }

    pub(crate) fn to(sim: &Simulator) -> Self {
        let ssh = Self {
            folder: tempfile::tempdir().unwrap(),
            port: sim.ssh_address().unwrap().port(),
            options: Vec::new(),
        };
        fs::write(ssh.path("config"), "").unwrap();
        ssh
    }

    /// An option of `ssh -o`.
    pub(crate) fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs one line as this user.
    pub(crate) async fn run(&self, user: &str, password: &str, line: &str) -> Said {
        timeout(DEADLINE, self.command(user, password, line).output())
            .await
            .unwrap()
            .map(|output| Said {
                stdout: output.stdout,
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
                status: output.status.code(),
            })
            .unwrap()
    }

    pub(crate) fn command(&self, user: &str, password: &str, line: &str) -> Command {
        let ask = self.path("ask");
        fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$ASKED_PASSWORD\"\n").unwrap();
        fs::set_permissions(&ask, fs::Permissions::from_mode(0o700)).unwrap();
        let mut command = Command::new("ssh");
        command
            .arg("-F")
            .arg(self.path("config"))
            .args(["-T", "-p", &self.port.to_string(), "-l", user])
            .arg("-o")
            .arg(format!(
                "UserKnownHostsFile={}",
                self.path("known_hosts").display()
            ))
            .args(["-o", "GlobalKnownHostsFile=/dev/null"])
            .args([
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "NumberOfPasswordPrompts=1",
            ])
            .args([
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "IdentityAgent=none",
                "-o",
                "LogLevel=ERROR",
            ]);
        for option in &self.options {
            command.args(["-o", option]);
        }
        command
            .args(["127.0.0.1", line])
            .env("SSH_ASKPASS", &ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .env("ASKED_PASSWORD", password)
            .env("HOME", self.folder())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}
