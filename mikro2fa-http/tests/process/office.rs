//! A router and a folder with a database, for the command line's tests.

use std::{path::Path, time::Duration};

use mikro2fa_router::simulator::{Dial, Flow, Simulator, SimulatorBuilder};

use crate::program::{Served, run, text};

/// It can only fail a test, never make one pass.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// Prepares it, with its PPPoE server's tunnels held like all others.
pub(crate) const PREPARE: [&str; 5] = ["prepare", "office", "--pppoe", "cover", "--yes"];

/// A folder with a database, and a router whose administrator we are.
pub(crate) struct Office {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sim: Simulator,
}

impl Office {
    pub(crate) async fn new() -> Self {
        let sim = Simulator::builder();
        Self::of(sim.account("ann", "pw").account("site", "pw")).await
    }

    pub(crate) async fn of(sim: SimulatorBuilder) -> Self {
        let sim = sim.start().await.unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            sim,
        }
    }

    pub(crate) fn at(&self) -> &Path {
        self.folder.path()
    }

    /// What it printed, if it left with this code; the set-up login's password is in the environment.
    pub(crate) fn says(&self, arguments: &[&str], code: i32) -> String {
        self.says_as(self.sim.admin_password(), arguments, code)
    }

    pub(crate) fn says_as(&self, password: &str, arguments: &[&str], code: i32) -> String {
        self.says_of("router", password, arguments, code)
    }

    /// What `mikro2fa account` printed.
    pub(crate) fn account(&self, arguments: &[&str]) -> String {
        self.says_of("account", self.sim.admin_password(), arguments, 0)
    }

    fn says_of(&self, what: &str, password: &str, arguments: &[&str], code: i32) -> String {
        let arguments = [&[what], arguments].concat();
        let set_up = [("MIKRO2FA_SETUP_PASSWORD", password)];
        let output = run(self.at(), &arguments, &set_up);
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains(password), "{arguments:?}: {said}");
        said
    }

    /// What preparing it printed, with this said beside the rest.
    pub(crate) fn prepare(&self, more: &[&str]) -> String {
        self.says(&[&PREPARE[..], more].concat(), 0)
    }

    pub(crate) fn add(&self, password: &str, code: i32) -> String {
        let port = self.sim.api_address().port().to_string();
        let host = ["add", "office", "--host", "127.0.0.1"];
        let over = ["--transport", "api", "--port", &port];
        self.says_as(password, &[&host[..], &over].concat(), code)
    }

    /// What the router is configured as: what is fixed, without ids, counters and times.
    pub(crate) fn export(&self) -> Vec<String> {
        const MENUS: [&str; 19] = [
            "/user/group",
            "/user",
            "/interface/list",
            "/interface/list/member",
            "/ip/firewall/address-list",
            "/ip/firewall/filter",
            "/ip/firewall/mangle",
            "/ipv6/firewall/filter",
            "/ppp/profile",
            "/ppp/secret",
            "/user-manager/user",
            "/interface/l2tp-server/server",
            "/interface/pptp-server/server",
            "/interface/sstp-server/server",
            "/interface/ovpn-server/server",
            "/interface/pppoe-server/server",
            "/ip/settings",
            "/ip/service",
            "/system/scheduler",
        ];
        let mut all = Vec::new();
        for menu in MENUS {
            for mut row in self.sim.rows(menu) {
                if row.get("dynamic").is_some_and(|it| it == "true") {
                    continue;
                }
                for volatile in [
                    ".id",
                    "bytes",
                    "packets",
                    "last-logged-in",
                    "creation-time",
                    "last-caller-id",
                    "last-disconnect-reason",
                    "last-logged-out",
                ] {
                    row.remove(volatile);
                }
                row.retain(|_, value| !value.is_empty());
                all.push(format!("{menu} {row:?}"));
            }
        }
        all
    }

    /// Does a tunnel that nobody has confirmed reach the office?
    pub(crate) fn lets_strangers_in(&self) -> bool {
        let tunnel = self.sim.dial(Dial::new("ann", "pw")).unwrap();
        let to_office = Flow::between(&tunnel, [192, 168, 88, 10]);
        let passes = self.sim.would_pass(&to_office).passes();
        tunnel.hang_up();
        passes
    }
}

/// Does something on its console.
pub(crate) fn by_hand(sim: &Simulator, line: &str) {
    let said = sim.console(line);
    assert!(said.is_empty(), "{line}: {}", text(&said));
}

/// The first process makes database and key.
pub(crate) fn founded(at: &Path) -> String {
    let mut served = Served::start(at);
    let token = served.token.clone().unwrap();
    served.signal("TERM");
    assert_eq!(served.left().code(), Some(0));
    token
}

/// Does `mikro2fa serve` serve it?
pub(crate) fn serves(sim: &Simulator) -> bool {
    sim.connections_by_user().contains_key("mikro2fa")
}
