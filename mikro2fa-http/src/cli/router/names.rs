//! How names of a router's logins are compared.

use std::io;

use clap::{Args, ValueEnum};
use mikro2fa_core::desk::{NameMatching, SourceKind};

use super::super::{
    CliError,
    office::{Office, Plain},
};
use crate::desk::DeskError;

#[derive(Clone, Debug, Args)]
pub(in super::super) struct NamesCommand {
    /// The router's name or id.
    router: String,
    /// How.
    matching: Wanted,
    /// Of its User Manager, not of its PPP secrets.
    #[arg(long)]
    user_manager: bool,
}

/// How names are compared.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wanted {
    /// Letter by letter, as RouterOS does.
    Exact,
    /// Without case, without `DOMAIN\` before and `@realm` behind, as some RADIUS servers do.
    Folded,
}

impl NamesCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        let kind = if self.user_manager {
            SourceKind::UserManager
        } else {
            SourceKind::PppSecrets
        };
        let sources = desk.directory.sources().await.map_err(DeskError::from)?;
        let mut held = sources.into_iter();
        let source = held.find(|it| it.holder == Some(router.id) && it.kind == kind);
        let name = Plain(&router.name);
        let source = source.ok_or_else(|| {
            CliError::Failed(format!(
                "router {name} has no such logins here yet: import them first, with `mikro2fa account import`"
            ))
        })?;
        let (matching, how) = match self.matching {
            Wanted::Exact => (NameMatching::Exact, "letter by letter"),
            Wanted::Folded => (NameMatching::Folded, "without case, domain and realm"),
        };
        desk.match_names(source, matching).await?;
        Ok(writeln!(out, "router {name}: names are compared {how}")?)
    }
}
