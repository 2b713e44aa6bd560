//! Making accounts of a router's logins.

use std::io;

use clap::Args;

use super::{
    super::office::{Office, Plain},
    CliError, list,
};
use crate::desk::{Owners, Standing};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ImportCommand {
    /// The router's name or id.
    router: String,
    /// Who owns a login: its name, and a user's name, id or chat. May be said several times.
    #[arg(long = "owner", value_name = "LOGIN=USER")]
    owners: Vec<String>,
    /// Only this login. May be said several times.
    #[arg(long = "only", value_name = "LOGIN")]
    only: Vec<String>,
    /// Does it. Without, it is only shown.
    #[arg(long)]
    yes: bool,
}

impl ImportCommand {
    pub(super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let desk = office.desk();
        let router = desk.router(&self.router).await?;
        let mut owners = Owners::new();
        for said in &self.owners {
            let (login, user) = said.split_once('=').ok_or_else(|| {
                CliError::Failed(format!("--owner {}: say LOGIN=USER", Plain(said)))
            })?;
            owners.insert(login.into(), desk.user(user).await?.id);
        }
        let only: Vec<_> = self.only.iter().map(|name| name.as_str().into()).collect();
        if self.yes {
            let made = desk.import(&router, &only, &owners).await?;
            for account in &made {
                super::say(out, account, "was imported")?;
            }
            let unowned = made
                .iter()
                .filter(|account| account.owner.is_none())
                .count();
            writeln!(
                out,
                "{} imported, {unowned} of them owned by nobody",
                made.len()
            )?;
            return Ok(());
        }
        let listed = desk.logins(&router).await?;
        list::live(&listed, out)?;
        let new = listed
            .iter()
            .filter(|it| it.standing == Standing::New)
            .count();
        writeln!(
            out,
            "{new} of them have no account. Nothing was done: say --yes to import them, and whose they are with \
             --owner LOGIN=USER"
        )?;
        Ok(())
    }
}
