//! `mikro2fa serve`.

use std::{io, sync::Arc};

use clap::Args;
use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    engine::{EngineError, EngineHandle, SystemClock},
    session::Actor,
    time::Timestamp,
};
use mikro2fa_store::Key;
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, block_on};
use crate::{
    app::{App, Plan},
    config::Config,
    telemetry,
};

/// Below Telegram's own limit of about 30 (Bot API FAQ), so that taps are answered in any case.
const TELEGRAM_PER_SECOND: u32 = 25;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ServeCommand {
    /// Vouches for this machine's clock where it is earlier than at the last run; else nothing is opened then.
    #[arg(long)]
    trust_clock: bool,
}

impl ServeCommand {
    pub(super) fn run(self, config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
        run(config, self.trust_clock, out)
    }
}

fn run(config: &Config, trust_clock: bool, out: &mut dyn io::Write) -> Result<(), CliError> {
    telemetry::init(config.log_level, config.log_format)
        .map_err(|error| CliError::Failed(format!("logging can't be started: {error}")))?;
    let key = config.key.existing_or_new()?;
    let plan = Plan {
        listen: config.listen,
        hook_listen: config.hook_listen,
        database: config.database_url.clone(),
        key: Key::from_bytes(key.expose()),
        telegram_api_url: config.telegram_api_url.as_str().to_owned(),
        telegram_per_second: Some(TELEGRAM_PER_SECOND),
        clock: Arc::new(SystemClock::new()),
    };
    block_on(serve(plan, trust_clock, out))
}

async fn serve(plan: Plan, trust_clock: bool, out: &mut dyn io::Write) -> Result<(), CliError> {
    // Asked for before anything runs, so that no signal falls between.
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let clock = Arc::clone(&plan.clock);
    let mut app = App::start(plan).await?;
    if trust_clock && !app.engine.clock_is_trusted() {
        tracing::warn!("this machine's clock is vouched for on the command line");
        let vouched = vouch(&app.engine, clock.now()).await;
        vouched.map_err(|error| {
            CliError::Failed(format!("the clock could not be vouched for: {error}"))
        })?;
    }
    if let Some(token) = app.first_token.take() {
        writeln!(
            out,
            "This is the first run. The token below may do everything at http://{}/api. It is shown this once and not \
             kept: put it away safely.\n\n  {}\n",
            app.address,
            token.expose()
        )?;
        out.flush()?;
    }
    tracing::info!(address = %app.address, hook = %app.hook_address, "serving");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    app.stop().await.map_err(|error| {
        CliError::Failed(format!(
            "the database was not closed as it should be: {error}"
        ))
    })
}

/// Written down first: nothing opens on a word that nobody finds again.
async fn vouch(engine: &EngineHandle, now: Timestamp) -> Result<(), EngineError> {
    let audit = AuditEntry {
        at: now,
        session: None,
        router: None,
        account: None,
        what: AuditKind::Desk {
            actor: Actor::Operator {
                who: "the command line".into(),
                reason: "".into(),
            },
            change: "vouched for this machine's clock".into(),
        },
    };
    engine.change_desk(Vec::new(), vec![audit]).await?;
    engine.trust_clock().await
}
