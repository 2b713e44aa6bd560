//! `mikro2fa migrate`.

use std::io;

use super::{CliError, block_on, desk};
use crate::config::Config;

pub(super) fn run(config: &Config, out: &mut dyn io::Write) -> Result<(), CliError> {
    block_on(async {
        let store = desk(config).await?;
        store
            .close()
            .await
            .map_err(|error| CliError::Failed(error.to_string()))?;
        Ok(writeln!(
            out,
            "{} is of this program's version",
            config.database_url
        )?)
    })
}
