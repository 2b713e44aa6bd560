//! Taking back what prepare did, and giving a router out of control.

use std::{io, time::Duration};

use clap::Args;
use mikro2fa_core::{
    desk::Router,
    directory::{PageOf, SessionFilter},
};
use mikro2fa_router::restore::Restoration;

use super::{
    super::{
        CliError,
        office::{Office, Plain},
    },
    prepare::{refused, show},
    set_up::{SetUpArguments, confirm},
};
use crate::desk::{Desk, STAND_BACK};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct RestoreCommand {
    /// The router's name or id.
    router: String,
    #[command(flatten)]
    how: How,
}

/// What restoring is told.
#[derive(Clone, Debug, Args)]
struct How {
    /// Carries it out without asking.
    #[arg(long)]
    yes: bool,
    /// How long a running mikro2fa is given to open the gate and leave it alone, in seconds; 0 = none is running.
    #[arg(long, default_value_t = STAND_BACK.as_secs(), value_name = "SECONDS")]
    wait: u64,
    #[command(flatten)]
    set_up: SetUpArguments,
}

#[derive(Clone, Debug, Args)]
pub(in super::super) struct RemoveCommand {
    /// The router's name or id.
    router: String,
    /// Leaves on the router what prepare made: its gate goes on holding every tunnel, and nobody is left to let one through.
    #[arg(long)]
    leave_the_gate: bool,
    #[command(flatten)]
    how: How,
}

impl RestoreCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        restore(&desk, &router, &self.how, out).await?;
        let name = Plain(&router.name);
        writeln!(
            out,
            "The daily login is gone, too: until it is prepared again or removed, mikro2fa cannot see {name}"
        )?;
        Ok(())
    }
}

async fn restore(
    desk: &Desk<'_>,
    router: &Router,
    how: &How,
    out: &mut dyn io::Write,
) -> Result<(), CliError> {
    let taking = desk.look_back(router, &how.set_up.read()?).await?;
    let Restoration { plan, left } = &taking.restoration;
    show(plan, out)?;
    for what in left {
        writeln!(out, "stays: {}", Plain(what))?;
    }
    refused(plan)?;
    let name = Plain(&router.name);
    if plan.steps.is_empty() {
        writeln!(out, "there is nothing of prepare on {name}")?;
    } else if !confirm(how.yes, "Take this back?")? {
        return Err(CliError::Failed("nothing was done".into()));
    }
    let mut done = 0_usize;
    let patience = Duration::from_secs(how.wait);
    desk.take_back(taking, patience, &mut |_| done += 1).await?;
    writeln!(
        out,
        "taken back: {done} changes, each read back. No tunnel is held on {name} any more"
    )?;
    Ok(())
}

impl RemoveCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        let name = Plain(&router.name);
        let open = SessionFilter {
            router: Some(router.id),
            open: true,
            ..SessionFilter::default()
        };
        let one = PageOf {
            after: None,
            limit: 1,
        };
        let open = office.directory().sessions(&open, &one).await;
        if !open
            .map_err(|error| CliError::Failed(error.to_string()))?
            .rows
            .is_empty()
        {
            return Err(CliError::Failed(format!(
                "sessions are open on {name}: end them first, or have the running mikro2fa end them and remove it: restore it, \
                 then DELETE /api/routers/{}",
                router.id
            )));
        }
        if self.leave_the_gate {
            let question = format!(
                "The gate on {name} stays: it goes on holding every covered tunnel, and nobody is left to let one through. \
                 Remove it from control?"
            );
            if !confirm(self.how.yes, &question)? {
                return Err(CliError::Failed("nothing was done".into()));
            }
        } else {
            restore(&desk, &router, &self.how, out).await?;
        }
        desk.forget_router(&router).await?;
        writeln!(out, "{name} is out of control")?;
        Ok(())
    }
}
