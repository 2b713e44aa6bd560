//! `mikro2fa router check`: the doctor.

use std::io;

use clap::Args;
use mikro2fa_core::{
    desk::RouterDesk, directory::Directory as _, engine::SystemClock, router_backend::RouterError,
    time::Clock as _,
};
use mikro2fa_router::check::{Finding, Report, examine};

use super::super::{CliError, block_on, desk};
use crate::config::Config;

/// Says whether an unconfirmed tunnel of a router would reach anything, and what else is not as it should be.
///
/// Reads with the daily login and changes nothing. Leaves with 0 when all is well, 1 when the answer is not "no" or something
/// is high or critical, 2 when the router could not be checked.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct CheckCommand {
    /// The router's name, or its id.
    name: String,
    /// As JSON, for scripts.
    #[arg(long)]
    json: bool,
}

impl CheckCommand {
    pub(in crate::cli) fn run(
        &self,
        config: &Config,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, outcome) = block_on(self.examined(config))?;
        let name = &desk.router.name;
        let report = outcome.map_err(|error| {
            CliError::NotChecked(format!("router {name} can't be checked: {error}"))
        })?;
        if self.json {
            let document = Document {
                router: name,
                sentence: report.sentence(),
                report: &report,
            };
            let text = serde_json::to_string_pretty(&document)
                .map_err(|error| CliError::NotChecked(error.to_string()))?;
            writeln!(out, "{text}")?;
        } else {
            print(name, &report, out)?;
        }
        if report.is_well() {
            Ok(())
        } else {
            Err(CliError::Failed(format!("router {name} is not well")))
        }
    }

    async fn examined(
        &self,
        config: &Config,
    ) -> Result<(RouterDesk, Result<Report, RouterError>), CliError> {
        let not_checked = |why: String| CliError::NotChecked(why);
        let store = desk(config)
            .await
            .map_err(|error| not_checked(error.to_string()))?;
        let routers = store
            .routers()
            .await
            .map_err(|error| not_checked(error.to_string()))?;
        let named = routers
            .iter()
            .find(|it| *it.name == *self.name || it.id.to_string() == self.name);
        let Some(router) = named else {
            let known: Vec<&str> = routers.iter().map(|it| &*it.name).collect();
            let known = if known.is_empty() {
                "there is none yet".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            return Err(not_checked(format!(
                "no router is called {}: {known}",
                self.name
            )));
        };
        let desk = store
            .router_desk(router.id)
            .await
            .map_err(|error| not_checked(error.to_string()))?
            .ok_or_else(|| not_checked(format!("the router {} was removed just now", self.name)))?;
        let outcome = examine(&desk, SystemClock::new().now()).await;
        Ok((desk, outcome))
    }
}

#[derive(serde::Serialize)]
struct Document<'a> {
    router: &'a str,
    sentence: String,
    #[serde(flatten)]
    report: &'a Report,
}

/// Columns that a terminal has at least.
const WIDTH: usize = 80;

fn print(name: &str, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    wrapped(out, "", &format!("{name}. {}", report.sentence()))?;
    let count = report.findings.len();
    if count == 0 {
        return writeln!(out, "\nNothing else was found.");
    }
    writeln!(
        out,
        "\n{count} {}:",
        if count == 1 { "finding" } else { "findings" }
    )?;
    for finding in &report.findings {
        writeln!(out)?;
        told(finding, out)?;
    }
    Ok(())
}

fn told(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let head = format!("{} [{}] {}", finding.level, finding.code, finding.what);
    wrapped(out, "", &head)?;
    wrapped(out, "  ", finding.means)?;
    for command in &finding.mend {
        // A command is never broken: it is there to be copied.
        writeln!(out, "    {}", shown(command))?;
    }
    Ok(())
}

/// What others wrote can hold what moves a terminal's cursor.
fn shown(text: &str) -> String {
    let sign = |sign: char| if sign.is_control() { '\u{fffd}' } else { sign };
    text.chars().map(sign).collect()
}

fn wrapped(out: &mut dyn io::Write, indent: &str, text: &str) -> io::Result<()> {
    let mut line = indent.to_owned();
    for word in shown(text).split(' ').filter(|word| !word.is_empty()) {
        let is_begun = line.len() > indent.len();
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{line}")?;
            line = indent.to_owned();
        } else if is_begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

#[cfg(test)]
mod tests {
    use mikro2fa_router::check::{Answer, Level};

    use super::*;

    #[test]
    fn it_fits_into_80_columns_and_moves_no_cursor() {
        let finding = Finding {
            code: "gate-above",
            level: Level::Critical,
            what: format!(
                "IPv4: accept in forward, \"{}\u{1b}[2J\"",
                "a word ".repeat(30)
            ),
            means: "It is asked before the gate: what it accepts is not held.",
            mend: vec![format!(
                "/ip firewall filter add comment={}",
                "x".repeat(100)
            )],
        };
        let report = Report {
            answer: Answer::Yes {
                what: "TCP from a tunnel with the profile office to 192.168.88.10 port 443".into(),
            },
            not_judged: vec!["WireGuard (3 peers)".into(), "IKEv2 (1)".into()],
            findings: vec![finding],
        };
        let mut out = Vec::new();
        print("office", &report, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\u{1b}'), "{text}");
        let long = text.lines().filter(|line| line.chars().count() > WIDTH);
        assert_eq!(long.count(), 1, "only the command is longer:\n{text}");
        assert!(text.starts_with("office. PPP tunnels: yes, "), "{text}");
        assert!(
            text.replace('\n', " ")
                .contains("Not judged here: WireGuard (3 peers), IKEv2 (1)."),
            "{text}"
        );
    }
}
