//! The set-up login: asked for, used for one run, kept nowhere. Its password is never an argument, since every user of a machine
//! can read those.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use mikro2fa_core::secret::Secret;
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

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
    let mut err = io::stderr();
    write!(err, "{question}")?;
    err.flush()?;
    let typed = {
        let _silent = Silent::make(&input)?;
        type_line(&mut input.lock())
    };
    writeln!(err)?;
    typed?.map_or_else(
        || Err(CliError::Failed("nothing was done".into())),
        |line| Ok(Secret::new(line.as_str())),
    )
}

/// A terminal that shows nothing and leaves keys to us, Ctrl-C among them: that would end this program and leave the terminal as
/// it is. It becomes again what it was.
struct Silent<'a> {
    terminal: &'a io::Stdin,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn make(terminal: &'a io::Stdin) -> Result<Self, CliError> {
        let cannot =
            |error| CliError::Failed(format!("the terminal cannot be told to be silent: {error}"));
        let before = termios::tcgetattr(terminal).map_err(cannot)?;
        let mut silent = before.clone();
        let keys = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        silent.local_modes.remove(keys);
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Made first: it is put back even if only part of it could be set.
        let made = Self { terminal, before };
        termios::tcsetattr(terminal, OptionalActions::Flush, &silent).map_err(cannot)?;
        Ok(made)
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// One line, key by key; none if it was given up.
fn type_line(keys: &mut impl io::Read) -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(Vec::new());
    let mut key = [0];
    while keys.read(&mut key)? == 1 {
        let [pressed] = key;
        match pressed {
            b'\r' | b'\n' => break,
            // Ctrl-D ends what was typed.
            0x04 if !line.is_empty() => break,
            // Ctrl-C, Ctrl-D, Ctrl-\
            0x03 | 0x04 | 0x1c => return Ok(None),
            // Backspace takes a whole character away.
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {},
            // Ctrl-U
            0x15 => line.clear(),
            // Ctrl-Z: there is nothing to come back to.
            0x1a => {}
            other => line.push(other),
        }
    }
    match str::from_utf8(&line) {
        Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "what was typed is no UTF-8",
        )),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> Option<String> {
        let line = type_line(&mut &*keys).unwrap();
        line.map(|line| line.to_string())
    }

    #[test]
    fn a_line_is_typed_key_by_key() {
        for (keys, line) in [
            (&b"hunter2\n"[..], Some("hunter2")),
            (b"hunter2\rmore", Some("hunter2")),
            (b"hunter2", Some("hunter2")),
            (b"\n", Some("")),
            (b" a b \n", Some(" a b ")),
            (b"hux\x7fnter2\n", Some("hunter2")),
            ("h\u{fc}\u{e9}\x08\n".as_bytes(), Some("h\u{fc}")),
            (b"\x7f\x7fa\n", Some("a")),
            (b"wrong\x15right\n", Some("right")),
            (b"a\x1ab\n", Some("ab")),
            (b"typed\x04", Some("typed")),
            (b"\x04", None),
            (b"hun\x03ter2\n", None),
            (b"\x1c", None),
        ] {
            assert_eq!(typed(keys).as_deref(), line, "{}", keys.escape_ascii());
        }
        assert!(type_line(&mut &b"\xff\n"[..]).is_err());
    }
}
