//! `mikro2fa audit`.

use std::io;

use clap::Subcommand;
use mikro2fa_core::directory::{AuditReport, Directory};

use super::{CliError, block_on, desk};
use crate::config::Config;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Says whether the log is whole, and prints the end of each chain: keep it elsewhere, to see later whether the end
    /// was cut off. Leaves with 1 when the log is not whole.
    Verify,
}

impl AuditCommand {
    pub(super) fn run(self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        match self {
            Self::Verify => {
                let report = block_on(verify(config))?;
                print(&report, out)
            }
        }
    }
}

async fn verify(config: &Config) -> Result<AuditReport, CliError> {
    let store = desk(config).await?;
    store
        .verify_audit()
        .await
        .map_err(|error| CliError::Failed(error.to_string()))
}

fn print(report: &AuditReport, out: &mut dyn io::Write) -> Result<(), CliError> {
    writeln!(
        out,
        "checked {} entries in {} chains",
        report.entries, report.chains
    )?;
    for (chain, head) in &report.heads {
        writeln!(out, "head of {chain}: {head}")?;
    }
    for problem in &report.problems {
        writeln!(out, "wrong: {problem}")?;
    }
    match report.problems.len() {
        0 => Ok(writeln!(out, "the audit log is whole")?),
        count => Err(CliError::Failed(format!(
            "the audit log is not whole: {count} findings"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_not_whole_is_a_failure() {
        let mut report = AuditReport {
            entries: 2,
            chains: 1,
            heads: vec![("a".into(), "ff".into())],
            ..Default::default()
        };
        let mut out = Vec::new();
        print(&report, &mut out).unwrap();
        report.problems.push("entry 2 of a was changed".into());
        let error = print(&report, &mut out).unwrap_err();
        assert!(error.to_string().contains("1 findings"), "{error}");
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("head of a: ff") && text.contains("wrong: entry 2 of a was changed"),
            "{text}"
        );
    }
}
