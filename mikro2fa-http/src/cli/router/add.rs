//! Taking a router under control.

use std::io;

use clap::{Args, ValueEnum};
use mikro2fa_core::{desk::RouterConnection, tunnel::Text};

use super::{
    super::{
        CliError,
        office::{Office, Plain},
    },
    set_up::SetUpArguments,
};
use crate::{
    desk::NewRouter,
    routes::{Host, Pin, usual_port},
};

#[derive(Clone, Debug, Args)]
pub(in super::super) struct AddCommand {
    /// The name that people know it by.
    name: String,
    /// Its host name or address.
    #[arg(long)]
    host: String,
    /// How it is reached; there is no default, so that nothing goes in the clear by oversight.
    #[arg(long)]
    transport: Transport,
    /// Its port [default: 8729, 8728 or 22].
    #[arg(long)]
    port: Option<std::num::NonZeroU16>,
    /// SHA-256 fingerprint of the certificate or host key to trust; without one, the one that the router shows is told. May be
    /// given more than once.
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Vec<String>,
    #[command(flatten)]
    set_up: SetUpArguments,
}

/// How a router is reached.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Transport {
    /// The API over TLS, with a pinned certificate.
    ApiTls,
    /// The API in the clear: name and password can be read on the way.
    Api,
    /// The console over SSH, with a pinned host key.
    Ssh,
    /// The same, with the SHA-1 algorithms that RouterOS 6 needs.
    SshLegacy,
}

impl From<Transport> for mikro2fa_core::desk::TransportKind {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::ApiTls => Self::ApiTls,
            Transport::Api => Self::Api,
            Transport::Ssh => Self::Ssh,
            Transport::SshLegacy => Self::SshLegacy,
        }
    }
}

impl AddCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let wrong = |what: &str, why: &str| CliError::Failed(format!("{what}: {why}"));
        let host = Host::try_from(self.host.clone()).map_err(|why| wrong("--host", why))?;
        let pins: Vec<Text> = self
            .pin
            .iter()
            .map(|pin| match Pin::try_from(pin.clone()) {
                Ok(Pin(pin)) => Ok(pin),
                Err(why) => Err(wrong("--pin", why)),
            })
            .collect::<Result<_, _>>()?;
        let desk = office.desk();
        desk.may_be_called(&self.name).await?;
        let set_up = self.set_up.read()?;
        let transport = self.transport.into();
        let connection = RouterConnection {
            host: host.0,
            port: self
                .port
                .map_or_else(|| usual_port(transport), std::num::NonZeroU16::get),
            transport,
            user: set_up.user,
            password: set_up.password,
            pins,
        };
        let seen = mikro2fa_router::probe(&connection)
            .await
            .map_err(|error| CliError::Failed(format!("nothing was kept: {error}")))?;
        let router = desk
            .take_under_control(NewRouter {
                name: self.name.as_str().into(),
                connection,
            })
            .await?;
        let name = Plain(&router.name);
        writeln!(
            out,
            "{name}: {}, RouterOS {}, {}",
            Plain(&seen.name),
            seen.version,
            Plain(&seen.board)
        )?;
        writeln!(
            out,
            "It has no gate yet: nobody is held. Next: mikro2fa router prepare {name}"
        )?;
        Ok(())
    }
}
