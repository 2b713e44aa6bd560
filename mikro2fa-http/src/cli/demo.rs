//! `mikro2fa demo`: nothing to configure.

use std::{
    io::{self, Write as _},
    net::Ipv4Addr,
};

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{CliError, block_on};
use crate::{
    app::AppError,
    config::{LogFormat, LogLevel},
    demo, server, telemetry,
};

#[derive(Debug, Args)]
pub(super) struct DemoCommand {
    /// Plays a session's whole life without a browser, checks each step, and fails if one is not as it should be.
    #[arg(long)]
    script: bool,
    /// The page's port on 127.0.0.1; 0 takes a free one.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 8480,
        conflicts_with = "script"
    )]
    port: u16,
    /// The language of page and chat.
    #[arg(long, value_name = "LANGUAGE", value_enum, default_value_t)]
    lang: Tongue,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Tongue {
    #[default]
    En,
    Ru,
}

impl DemoCommand {
    pub(super) fn run(&self, out: &mut dyn io::Write) -> Result<(), CliError> {
        // What goes wrong in a scene is part of the play.
        telemetry::init(LogLevel::Error, LogFormat::Text)
            .map_err(|error| CliError::Failed(format!("logging can't be started: {error}")))?;
        if self.script {
            block_on(script())
        } else {
            block_on(self.serve(out))
        }
    }

    async fn serve(&self, out: &mut dyn io::Write) -> Result<(), CliError> {
        // Before anything is there that would stay behind.
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let listener = server::bind((Ipv4Addr::LOCALHOST, self.port).into())
            .await
            .map_err(AppError::from)?;
        let address = listener.local_addr()?;
        let language = match self.lang {
            Tongue::En => demo::page::Language::En,
            Tongue::Ru => demo::page::Language::Ru,
        };
        let world = demo::live(language)
            .await
            .map_err(|e| CliError::Failed(e.to_string()))?;
        writeln!(
            out,
            "The demo is at http://{address}/demo\n\nA VPN client, a phone and a router; the router and Telegram are \
             simulated, everything between them is the real thing. Ctrl-C ends it, and nothing stays behind."
        )?;
        out.flush()?;
        let stop = CancellationToken::new();
        let ending = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            ending.cancel();
        });
        server::serve(listener, demo::filter(world), stop).await;
        Ok(())
    }
}

/// In English: it checks what the chat says.
async fn script() -> Result<(), CliError> {
    let mut out = io::stdout();
    let well = demo::script::play("en", &mut out).await;
    out.flush()?;
    if well {
        Ok(())
    } else {
        Err(CliError::Failed(
            "not everything in the demo was as it should be".into(),
        ))
    }
}
