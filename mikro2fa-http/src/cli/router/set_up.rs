//! The set-up login: asked for, used for one run, kept nowhere. Its password is never an argument, since every user of a machine
//! can read those.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use mikro2fa_core::secret::Secret;
use rustix::termios::{self, LocalModes, OptionalActions};

use super::super::CliError;
use crate::{config::SET_UP_PASSWORD_VARIABLE as PASSWORD, desk::SetUp};

#[derive(Clone, Debug, Args)]
pub(super) struct SetUpArguments {
    /// A login of the router with every right, for this run only.
    #[arg(long, value_name = "USER", default_value = "admin")]
    set_up_user: String,
    /// A file with its password (over SSH, or its private key); otherwise MIKRO2FA_SETUP_PASSWORD, or it is asked for.
    #[arg(long, value_name = "FILE")]
    set_up_password_file: Option<PathBuf>,
}

impl SetUpArguments {
    pub(super) fn read(&self) -> Result<SetUp, CliError> {
        Ok(SetUp {
            user: self.set_up_user.as_str().into(),
            password: self.password()?,
        })
    }

    fn password(&self) -> Result<Secret, CliError> {
        if let Some(file) = &self.set_up_password_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| CliError::Failed(format!("{}: {error}", file.display())))?;
            return Ok(Secret::new(text.trim_end_matches(['\r', '\n'])));
        }
        if let Ok(text) = std::env::var(PASSWORD) {
            return Ok(Secret::new(text));
        }
        ask_for_secret(&format!("Password of {} on the router: ", self.set_up_user))
    }
}

/// Asks on the terminal, without showing what is typed.
pub(super) fn ask_for_secret(question: &str) -> Result<Secret, CliError> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(CliError::Failed(format!(
            "the set-up login's password is not known: set {PASSWORD}, or name a file with --set-up-password-file"
        )));
    }
    let cannot =
        |error| CliError::Failed(format!("the terminal cannot be told to be silent: {error}"));
    let mut err = io::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let before = termios::tcgetattr(&input).map_err(cannot)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    termios::tcsetattr(&input, OptionalActions::Flush, &silent).map_err(cannot)?;
    let mut line = zeroize::Zeroizing::new(String::new());
    let read = input.lock().read_line(&mut line);
    termios::tcsetattr(&input, OptionalActions::Now, &before).map_err(cannot)?;
    writeln!(err)?;
    read?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}

/// Yes, said on the terminal; where there is none, `--yes` says it.
pub(super) fn confirm(yes: bool, question: &str) -> Result<bool, CliError> {
    if yes {
        return Ok(true);
    }
    let input = io::stdin();
    if !input.is_terminal() {
        return Err(CliError::Failed(
            "nothing was done: say --yes to have it carried out".into(),
        ));
    }
    let mut err = io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
