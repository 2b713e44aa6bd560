//! `mikro2fa router`.

mod add;
mod check;
mod list;
mod mode;
mod names;
mod prepare;
mod report;
mod restore;
mod set_up;

use std::io;

use clap::Subcommand;

use super::{CliError, block_on, office::Office};
use crate::config::Config;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum RouterCommand {
    /// Lists the routers under control.
    List(list::ListCommand),
    /// Takes a router under control. Connects once, says what is there, and keeps it.
    Add(add::AddCommand),
    /// Sets a router up so that it holds unconfirmed tunnels back by itself. Shows first what it would change.
    Prepare(Box<prepare::PrepareCommand>),
    Check(check::CheckCommand),
    /// Only observes a router, or enforces: shuts its gate after confirmed tunnels have their permits.
    Mode(mode::ModeCommand),
    /// Says how names of its logins are compared.
    Names(names::NamesCommand),
    /// Says who would have been stopped while a router was only observed, when and why.
    Report(report::ReportCommand),
    /// Takes back what prepare did, and nothing else.
    Restore(restore::RestoreCommand),
    /// Gives a router out of control; restores it first.
    Remove(restore::RemoveCommand),
}

impl RouterCommand {
    pub(super) fn run(&self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        if let Self::Check(command) = self {
            return command.run(config, out);
        }
        block_on(async {
            if matches!(self, Self::Add(_)) && config.key.existing()?.is_none() {
                return Err(CliError::Failed(
                    "there is no key to seal passwords with yet: the first `mikro2fa serve` makes it, or set key_file or MIKRO2FA_KEY"
                        .into(),
                ));
            }
            let office = Office::open(config).await?;
            match self {
                Self::Check(_) => Ok(()),
                Self::List(command) => command.at(&office, out).await,
                Self::Add(command) => command.at(&office, out).await,
                Self::Prepare(command) => command.at(&office, out).await,
                Self::Restore(command) => command.at(&office, out).await,
                Self::Remove(command) => command.at(&office, out).await,
                Self::Mode(command) => command.at(&office, out).await,
                Self::Names(command) => command.at(&office, out).await,
                Self::Report(command) => command.at(&office, out).await,
            }
        })
    }
}
