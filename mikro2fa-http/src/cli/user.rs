//! `mikro2fa user`: people with a chat.

use std::io;

use clap::{Subcommand, ValueEnum};
use mikro2fa_core::desk::Language;

use super::{
    CliError, block_on,
    office::{Office, Plain, json, table},
};
use crate::config::Config;

#[derive(Clone, Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Lists people.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Adds a person.
    Add {
        /// The name that operators know.
        name: String,
        /// The language of their messages.
        #[arg(long, default_value = "en")]
        language: Tongue,
    },
    /// Makes a one-time code that ties a chat to a person. Earlier ones die.
    LinkCode {
        /// A user's name, id or chat.
        user: String,
        /// Short, to be read out and typed, instead of long, for a link.
        #[arg(long)]
        typed: bool,
    },
}

/// A language, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Tongue {
    /// English.
    En,
    /// Russian.
    Ru,
}

impl UserCommand {
    pub(super) fn run(&self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        block_on(async {
            let office = Office::open(config).await?;
            self.at(&office, out).await
        })
    }

    async fn at(&self, office: &Office, out: &mut dyn io::Write) -> Result<(), CliError> {
        let desk = office.desk();
        match self {
            Self::List { json: true } => json(out, &desk.users().await?),
            Self::List { json: false } => {
                let mut users = desk.users().await?;
                users.sort_by(|a, b| a.name.cmp(&b.name));
                let mut rows = Vec::new();
                for user in users {
                    let accounts = office.directory().accounts_of(user.id).await;
                    let accounts = accounts.map_err(|error| CliError::Failed(error.to_string()))?;
                    let names: Vec<&str> = accounts.iter().map(|it| &*it.name).collect();
                    let state = match (user.chat, user.suspended) {
                        (_, true) => "paused",
                        (None, false) => "no chat",
                        (Some(_), false) if user.unreachable => "unreachable",
                        (Some(_), false) => "linked",
                    };
                    rows.push(vec![
                        user.name.to_string(),
                        state.to_owned(),
                        names.join(", "),
                    ]);
                }
                table(out, &["USER", "IS", "ACCOUNTS"], &rows)
            }
            Self::Add { name, language } => {
                let language = match language {
                    Tongue::En => Language::En,
                    Tongue::Ru => Language::Ru,
                };
                let user = desk.add_user(name, language).await?;
                writeln!(out, "user {} was added, id {}", Plain(&user.name), user.id)?;
                writeln!(
                    out,
                    "without a chat nobody can be asked: mikro2fa user link-code {}",
                    user.id
                )?;
                Ok(())
            }
            Self::LinkCode { user, typed } => {
                let user = desk.user(user).await?;
                let code = desk.link_code(&user, *typed).await?;
                let minutes = code.life().as_secs() / 60;
                writeln!(
                    out,
                    "code for {}, good for {minutes} min, shown this once; they send the bot: /start {}",
                    Plain(&user.name),
                    code.as_str()
                )?;
                Ok(())
            }
        }
    }
}
