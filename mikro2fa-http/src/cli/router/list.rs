//! What is under control.

use std::io;

use clap::Args;
use mikro2fa_core::desk::{Mode, TransportKind};

use super::super::{
    CliError,
    office::{Office, json, table},
};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ListCommand {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// A router, as programs read it.
#[derive(serde::Serialize)]
struct Listed {
    id: String,
    name: String,
    host: String,
    port: u16,
    transport: TransportKind,
    mode: Mode,
    /// The address-list gate was prepared.
    prepared: bool,
}

impl ListCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let routers = office.directory().routers().await;
        let routers = routers.map_err(|error| CliError::Failed(error.to_string()))?;
        let mut listed: Vec<Listed> = routers
            .into_iter()
            .map(|router| Listed {
                id: router.id.to_string(),
                name: router.name.to_string(),
                host: router.connection.host.to_string(),
                port: router.connection.port,
                transport: router.connection.transport,
                mode: router.mode,
                prepared: router.gates.address_list,
            })
            .collect();
        listed.sort_by(|a, b| a.name.cmp(&b.name));
        if self.json {
            return json(out, &listed);
        }
        if listed.is_empty() {
            writeln!(
                out,
                "no router is under control yet; see mikro2fa router add --help"
            )?;
            return Ok(());
        }
        let rows: Vec<Vec<String>> = listed.into_iter().map(columns).collect();
        table(out, &["NAME", "ADDRESS", "OVER", "MODE", "GATE"], &rows)
    }
}

fn columns(router: Listed) -> Vec<String> {
    let over = match router.transport {
        TransportKind::Api => "API in the clear",
        TransportKind::ApiTls => "API over TLS",
        TransportKind::Ssh => "SSH",
        TransportKind::SshLegacy => "SSH with SHA-1",
    };
    let mode = match router.mode {
        Mode::Enforcing => "enforcing",
        Mode::Observing => "observing",
    };
    let gate = if router.prepared {
        "prepared"
    } else {
        "none: weak"
    };
    vec![
        router.name,
        format!("{}:{}", router.host, router.port),
        over.to_owned(),
        mode.to_owned(),
        gate.to_owned(),
    ]
}
