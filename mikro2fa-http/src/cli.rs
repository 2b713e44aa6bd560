//! The command line: it parses, the commands are in `cli/`.

mod config;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// Second factor and leash for the VPN of MikroTik routers.
#[derive(Debug, Parser)]
#[command(
    name = "mikro2fa",
    disable_version_flag = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Configuration file [default: mikro2fa.toml in the current folder, if it is there; env: MIKRO2FA_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows or checks the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Prints the version.
    Version,
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was printed could not be written.
    #[error("the output can't be written: {0}")]
    Output(#[from] io::Error),
    /// The command ran, and its answer is no.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// 2 for how the program was called or configured, 1 for what failed.
    fn code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Output(_) | Self::Failed(_) => 1,
        }
    }
}

/// Parses the process's arguments, does what they say, and returns the exit code: 0 done, 1 failed, 2 wrong usage or
/// configuration.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse(); // leaves the process with 2 on wrong usage, 0 on --help
    match run(&cli, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has left, as `head` does.
        Err(CliError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = error.code();
            // Nobody is left to tell when standard error is closed.
            let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("mikro2fa: {error}\n"));
            ExitCode::from(code)
        }
    }
}

fn run(cli: &Cli, out: &mut dyn io::Write) -> Result<(), CliError> {
    match &cli.command {
        Command::Config(command) => command.run(cli.config.as_deref(), out),
        Command::Version => Ok(writeln!(out, "mikro2fa {}", env!("CARGO_PKG_VERSION"))?),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn version_says_which() {
        let mut out = Vec::new();
        run(&Cli::parse_from(["mikro2fa", "version"]), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!("mikro2fa ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}
