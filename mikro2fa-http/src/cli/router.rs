//! `mikro2fa router`.

mod check;
mod mode;
mod report;

use std::io;

use clap::Subcommand;

use super::{CliError, block_on, office::Office};
use crate::config::Config;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum RouterCommand {
    Check(check::CheckCommand),
    /// Only observes a router, or enforces: shuts its gate after confirmed tunnels have their permits.
    Mode(mode::ModeCommand),
    /// Says who would have been stopped while a router was only observed, when and why.
    Report(report::ReportCommand),
}

impl RouterCommand {
    pub(super) fn run(&self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        if let Self::Check(command) = self {
            return command.run(config, out);
        }
        block_on(async {
            let office = Office::open(config).await?;
            match self {
                Self::Check(_) => Ok(()),
                Self::Mode(command) => command.at(&office, out).await,
                Self::Report(command) => command.at(&office, out).await,
            }
        })
    }
}
