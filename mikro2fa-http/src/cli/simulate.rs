//! `mikro2fa simulate`: a RouterOS router as a process.

use std::{fmt, io, str::FromStr};

use clap::{Args, builder::NonEmptyStringValueParser};
use mikro2fa_router::simulator::{
    Control, PreparedNames, Quirks, SimClock, Simulator, SimulatorBuilder, Switch, Version,
};
use serde_json::{Map, Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, block_on};

#[derive(Debug, Args)]
pub(super) struct SimulateCommand {
    /// The RouterOS version, 6.30 to 6.49 or 7.1 to 7.99.
    #[arg(long, value_name = "VERSION", default_value_t)]
    version: Version,
    /// The API's port on 127.0.0.1; 0 takes a free one, here as below.
    #[arg(long, value_name = "PORT", default_value_t = 8728)]
    api_port: u16,
    /// The port of the API over TLS, with a self-signed certificate that is made anew at each start.
    #[arg(long, value_name = "PORT", default_value_t = 8729)]
    api_tls_port: u16,
    /// The port of its console over SSH, with a host key that is made anew at each start.
    #[cfg(feature = "simulate-ssh")]
    #[arg(long, value_name = "PORT", default_value_t = 8722)]
    ssh_port: u16,
    /// The control port's: JSON over HTTP, to dial in, move the clock, set faults.
    #[arg(long, value_name = "PORT", default_value_t = 8780)]
    control_port: u16,
    /// A VPN account; may be given more than once. Covered by the gate where the router is prepared.
    #[arg(long = "account", value_name = "NAME:PASSWORD")]
    accounts: Vec<Account>,
    /// Installs the User Manager, and has PPP ask it about names that are not among its own accounts.
    #[arg(long)]
    user_manager: bool,
    /// A login of the User Manager, which is installed with it; may be given more than once.
    #[arg(long = "user-manager-account", value_name = "NAME:PASSWORD")]
    managed: Vec<Account>,
    /// With mikro2fa's gate in place: its rules, lists, profiles and its daily user.
    #[arg(long, overrides_with = "unprepared")]
    prepared: bool,
    /// An office's router with MikroTik's default rules, a VPN server and no gate [default].
    #[arg(long, overrides_with = "prepared")]
    unprepared: bool,
    /// The router's name.
    #[arg(long, value_name = "NAME", default_value = "MikroTik", value_parser = NonEmptyStringValueParser::new())]
    identity: String,
    /// Turns one of the switches for what no source settles about RouterOS; may be given more than once. GET /quirks of the control
    /// port, and docs/SIMULATOR.md, list them.
    #[arg(long = "quirk", value_name = "SWITCH", value_parser = switch)]
    quirks: Vec<Switch>,
    /// Its time passes as ours does, and can be moved forward [default].
    #[arg(long, overrides_with = "manual_clock")]
    real_clock: bool,
    /// Its time stands still until the control port moves it.
    #[arg(long, overrides_with = "real_clock")]
    manual_clock: bool,
}

fn switch(name: &str) -> Result<Switch, String> {
    Switch::named(name).ok_or_else(|| {
        let all: Vec<&str> = Quirks::SWITCHES.iter().map(|switch| switch.name).collect();
        format!("there are {}", all.join(", "))
    })
}

#[derive(Clone)]
struct Account {
    name: String,
    password: String,
}

impl FromStr for Account {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((name, password)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err("write a name, a colon and a password"),
        }
    }
}

/// The password stays out.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl SimulateCommand {
    pub(super) fn run(&self, out: &mut dyn io::Write) -> Result<(), CliError> {
        block_on(self.serve(out))
    }

    async fn serve(&self, out: &mut dyn io::Write) -> Result<(), CliError> {
        // Asked for before anything runs, so that no signal falls between.
        let (mut terminate, mut interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let sim = self.router().start().await.map_err(failed)?;
        let control = Control::start(&sim, self.control_port)
            .await
            .map_err(failed)?;
        writeln!(out, "{}", self.announcement(&sim, &control))?;
        out.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }

    fn router(&self) -> SimulatorBuilder {
        let clock = if self.manual_clock {
            SimClock::manual()
        } else {
            SimClock::real()
        };
        let mut router = Simulator::builder()
            .version(self.version)
            .port(self.api_port)
            .api_tls(self.api_tls_port)
            .identity(&self.identity)
            .quirks(|quirks| self.quirks.iter().for_each(|switch| switch.turn(quirks)))
            .clock(clock);
        #[cfg(feature = "simulate-ssh")]
        {
            router = router.ssh(self.ssh_port);
        }
        if self.prepared {
            router = router.prepared(PreparedNames::default());
        }
        if self.user_manager {
            router = router.user_manager(true);
        }
        let router = self.accounts.iter().fold(router, |router, account| {
            router.account(&account.name, &account.password)
        });
        self.managed.iter().fold(router, |router, account| {
            router.user_manager_account(&account.name, &account.password)
        })
    }

    /// One line: whoever starts the process reads it and knows all that is needed to connect.
    fn announcement(&self, sim: &Simulator, control: &Control) -> Value {
        let mut users = Map::new();
        users.insert("admin".to_owned(), json!(sim.admin_password()));
        if self.prepared {
            users.insert(sim.names().user.clone(), json!(sim.daily_password()));
        }
        let told = json!({
            "version": self.version.to_string(),
            "identity": self.identity,
            "api": sim.api_address(),
            "api_tls": sim.api_tls_address(),
            "fingerprint": sim.fingerprint().map(|it| it.to_string()),
            "control": format!("http://{}", control.address()),
            "users": users,
        });
        with_ssh(sim, told)
    }
}

#[cfg(not(feature = "simulate-ssh"))]
fn with_ssh(_: &Simulator, told: Value) -> Value {
    told
}

/// Where SSH is, and the host key to expect there.
#[cfg(feature = "simulate-ssh")]
fn with_ssh(sim: &Simulator, mut told: Value) -> Value {
    if let Some(told) = told.as_object_mut() {
        told.insert("ssh".to_owned(), json!(sim.ssh_address()));
        told.insert("host_key".to_owned(), json!(sim.host_key()));
        told.insert("host_fingerprint".to_owned(), json!(sim.host_fingerprint()));
    }
    told
}

/// With what the system said: a port in use is the usual reason.
fn failed(error: impl std::error::Error) -> CliError {
    let cause = error.source().map(|cause| format!(": {cause}"));
    CliError::Failed(format!("{error}{}", cause.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        simulate: SimulateCommand,
    }

    fn parse(words: &[&str]) -> Result<SimulateCommand, clap::Error> {
        let words = std::iter::once("simulate").chain(words.iter().copied());
        Ok(Line::try_parse_from(words)?.simulate)
    }

    #[test]
    fn the_last_of_two_that_exclude_each_other_counts() {
        let command = parse(&[
            "--prepared",
            "--unprepared",
            "--real-clock",
            "--manual-clock",
        ])
        .unwrap();
        assert!(!command.prepared && command.manual_clock);
        let command = parse(&["--unprepared", "--prepared"]).unwrap();
        assert!(command.prepared && !command.manual_clock);
    }

    #[test]
    fn accounts_have_a_name_and_any_password() {
        let command = parse(&["--account", "ann:p:w", "--account", "bob:"]).unwrap();
        let told: Vec<_> = command
            .accounts
            .iter()
            .map(|it| (&*it.name, &*it.password))
            .collect();
        assert_eq!(told, [("ann", "p:w"), ("bob", "")]);
        assert!(!format!("{command:?}").contains("p:w"));
        for wrong in ["ann", ":pw", ""] {
            assert!(parse(&["--account", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn switches_go_by_name() {
        let command = parse(&["--quirk", "dead-yes", "--quirk", "tls-1.3"]).unwrap();
        let names: Vec<_> = command.quirks.iter().map(|switch| switch.name).collect();
        assert_eq!(names, ["dead-yes", "tls-1.3"]);
        let error = parse(&["--quirk", "none"]).unwrap_err().to_string();
        assert!(error.contains("there are active-ids-new, "), "{error}");
    }

    #[test]
    fn a_version_that_is_not_simulated_is_refused() {
        assert_eq!(
            parse(&["--version", "6.49.18"]).unwrap().version,
            Version::V6_49
        );
        for wrong in ["5.1", "8", "x"] {
            assert!(parse(&["--version", wrong]).is_err(), "{wrong}");
        }
    }
}
