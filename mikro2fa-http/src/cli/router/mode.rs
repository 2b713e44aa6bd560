//! Observing and enforcing.

use std::{io, time::Duration};

use clap::{Args, ValueEnum};
use mikro2fa_core::desk::Mode;

use super::super::{
    CliError,
    office::{Office, Plain},
};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ModeCommand {
    /// The router's name or id.
    router: String,
    /// Which.
    mode: Wanted,
    /// How long to wait until it was seen done, in seconds; 0 = not at all.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
    /// Does not ask the router whether it has a gate, and whether somebody's own way in would be cut.
    #[arg(long)]
    unchecked: bool,
}

/// How a router is treated.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Wanted {
    /// Its gate is open; what would have been is written down.
    Observe,
    /// Its gate is shut; confirmed tunnels get their permits before.
    Enforce,
}

impl ModeCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        let mode = match self.mode {
            Wanted::Observe => Mode::Observing,
            Wanted::Enforce => Mode::Enforcing,
        };
        if mode == Mode::Enforcing && !self.unchecked {
            desk.may_be_enforced(&router, &office.clock).await?;
        }
        let (router, order) = desk.switch(router, mode).await?;
        let (is, will) = match mode {
            Mode::Enforcing => ("its gate is shut: it is enforced", "is shut"),
            Mode::Observing => ("its gate is open: it is only observed", "is opened"),
        };
        let name = Plain(&router.name);
        if self.wait == 0 {
            writeln!(
                out,
                "router {name}: its gate {will} as soon as mikro2fa serves it"
            )?;
            return Ok(());
        }
        let patience = Duration::from_secs(self.wait);
        if desk.until_switched(order, patience).await? {
            return Ok(writeln!(out, "router {name}: {is}")?);
        }
        Err(CliError::Failed(format!(
            "router {name}: the order is kept, and was not seen done within {} s. Is mikro2fa serving this database, and can \
             it reach the router?",
            self.wait
        )))
    }
}
