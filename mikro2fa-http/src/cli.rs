//! The command line: it parses, the commands are in `cli/`.

mod account;
mod audit;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod migrate;
mod office;
mod router;
mod serve;
#[cfg(feature = "simulate")]
mod simulate;
mod user;

use std::{io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use mikro2fa_store::{DieselStore, Key, Options, Role};

use crate::{
    app::AppError,
    config::{Config, ConfigError, KeyError, SealingKey},
};

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
    /// Serves: routers, Telegram, REST.
    Serve(serve::ServeCommand),
    /// Shows it all at work: a simulated router and phone, on a page or as a script. Nothing to configure.
    #[cfg(feature = "demo")]
    Demo(demo::DemoCommand),
    /// Runs a simulated RouterOS router, for testing any RouterOS client. Prints where it listens as one line of JSON.
    #[cfg(feature = "simulate")]
    Simulate(simulate::SimulateCommand),
    /// Shows or checks the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Brings the database up to this program's version; `serve` does so by itself.
    Migrate,
    /// VPN logins: who owns them, and what is done with them on their routers.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// People with a chat.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Routers.
    #[command(subcommand)]
    Router(router::RouterCommand),
    /// Looks into the audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
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
    /// There is no key to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It can't be started.
    #[error(transparent)]
    App(#[from] AppError),
    /// What was printed could not be written.
    #[error("the output can't be written: {0}")]
    Output(#[from] io::Error),
    /// What was to be looked at could not be.
    #[error("{0}")]
    NotChecked(String),
    /// The command ran, and its answer is no.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    /// 2 for how the program was called or configured, 1 for what failed.
    const fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Key(_) | Self::NotChecked(_) => 2,
            Self::App(_) | Self::Output(_) | Self::Failed(_) => 1,
        }
    }
}

/// Parses the process's arguments, does what they say, and returns the exit code: 0 done, 1 failed, 2 wrong usage or
/// configuration.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse(); // leaves the process with 2 on wrong usage, 0 on --help
    match run(&cli, &mut io::stdout()) {
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
    let config = || Config::load(cli.config.as_deref(), std::env::vars_os());
    match &cli.command {
        Command::Serve(command) => command.run(&config()?, out),
        #[cfg(feature = "demo")]
        Command::Demo(command) => command.run(out),
        #[cfg(feature = "simulate")]
        Command::Simulate(command) => command.run(out),
        Command::Config(command) => command.run(&config()?, out),
        Command::Migrate => migrate::run(&config()?, out),
        Command::Account(command) => command.run(&config()?, out),
        Command::User(command) => command.run(&config()?, out),
        Command::Router(command) => command.run(&config()?, out),
        Command::Audit(command) => command.run(&config()?, out),
        Command::Version => Ok(writeln!(out, "mikro2fa {}", env!("CARGO_PKG_VERSION"))?),
    }
}

/// Runs a command that has to wait for others.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// The database beside whoever serves it, for reading and the desk. It has to be there already.
async fn desk(config: &Config) -> Result<DieselStore, CliError> {
    let failed =
        |why: &dyn std::fmt::Display| CliError::Failed(format!("{}: {why}", config.database_url));
    if config
        .database_url
        .file()
        .is_some_and(|file| !file.exists())
    {
        return Err(failed(
            &"there is no such file; `mikro2fa serve` makes it, or set another database_url",
        ));
    }
    // Nothing is sealed or opened here, so where there is no key yet, any will do.
    let key = config.key.existing()?.map_or_else(SealingKey::fresh, Ok)?;
    let options = Options {
        role: Role::Desk,
        ..Options::default()
    };
    DieselStore::open(
        &config.database_url,
        &Key::from_bytes(key.expose()),
        options,
    )
    .await
    .map_err(|error| failed(&error))
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
