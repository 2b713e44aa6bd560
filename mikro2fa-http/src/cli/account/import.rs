//! Making accounts of a router's logins.

use std::io;

use clap::Args;

use super::{
    super::office::{Office, Plain},
    CliError, KeptIn, list,
};
use crate::desk::{Import, Owners, Standing};

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
    /// Only what is kept in this place; has to be said where a login that was named stands in both.
    #[arg(long = "in", value_name = "PLACE")]
    kept_in: Option<KeptIn>,
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
        let (desk, router) = office.at_router(&self.router).await?;
        let mut owners = Owners::new();
        for said in &self.owners {
            let (login, user) = said.split_once('=').ok_or_else(|| {
                CliError::Failed(format!("--owner {}: say LOGIN=USER", Plain(said)))
            })?;
            owners.insert(login.into(), desk.user(user).await?.id);
        }
        let import = Import {
            only: self.only.iter().map(|name| name.as_str().into()).collect(),
            owners,
            kept_in: self.kept_in.map(Into::into),
        };
        if self.yes {
            let made = desk.import(&router, &import).await?;
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
        let mut listed = desk.logins(&router).await?;
        listed.retain(|login| import.kept_in.is_none_or(|kind| login.kind == kind));
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
