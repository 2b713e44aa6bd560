//! `mikro2fa config`: what is in force, and whether it can be used.

use std::io;

use clap::Subcommand;

use super::CliError;
use crate::config::{Config, KeySource, Shown};

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Prints every option with its value and where it came from; secrets are left out.
    Show,
    /// Says all that is wrong with the configuration, and with the key file.
    Check,
}

impl ConfigCommand {
    pub(super) fn run(self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        match self {
            Self::Show => Ok(show(config.shown(), out)?),
            Self::Check => check(config, out),
        }
    }
}

fn show(shown: &[Shown], out: &mut dyn io::Write) -> io::Result<()> {
    let width = |text: fn(&Shown) -> usize| shown.iter().map(text).max().unwrap_or_default();
    let (keys, values) = (
        width(|shown| shown.key.len()),
        width(|shown| shown.value.chars().count()),
    );
    shown.iter().try_for_each(|Shown { key, value, origin }| {
        writeln!(out, "{key:keys$}  {value:values$}  {origin}")
    })
}

fn check(config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
    let existing = config.key.existing()?;
    if let (None, KeySource::File(path)) = (existing, &config.key) {
        writeln!(
            out,
            "the key file {} is not there yet; the first `mikro2fa serve` makes it",
            path.display()
        )?;
    }
    Ok(writeln!(out, "the configuration can be used")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_a_table() {
        let config = Config::from_toml("[log]\nlevel = \"warn\"").unwrap();
        let mut out = Vec::new();
        show(config.shown(), &mut out).unwrap();
        let expected = "\
listen            127.0.0.1:8480              default
hook_listen       127.0.0.1:8480 (as listen)  default
database_url      sqlite://mikro2fa.db        default
key_file          mikro2fa.key                default
key               (not set)                   default
log.level         warn                        mikro2fa.toml, line 2
log.format        text                        default
telegram.api_url  https://api.telegram.org    default
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
