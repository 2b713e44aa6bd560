//! What the commands for the desk stand on: the database beside whoever serves it, and how records are printed.

use std::{fmt, io, sync::Arc};

use mikro2fa_core::{
    desk::Router, directory::Directory, engine::SystemClock, entropy::SystemEntropy, time::Clock,
};
use mikro2fa_store::DieselStore;

use super::{CliError, desk};
use crate::{
    config::Config,
    desk::{Desk, DeskError},
};

/// An open database, and who works at it.
pub(super) struct Office {
    store: DieselStore,
    pub(super) clock: Arc<dyn Clock>,
}

impl Office {
    /// The database has to be there already.
    pub(super) async fn open(config: &Config) -> Result<Self, CliError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Ok(Self {
            store: desk(config).await?,
            clock,
        })
    }

    pub(super) fn directory(&self) -> &dyn Directory {
        &self.store
    }

    /// Somebody on the command line. A process that serves the database notices by itself.
    pub(super) fn desk(&self) -> Desk<'_> {
        Desk {
            directory: &self.store,
            entropy: &SystemEntropy,
            engine: None,
            now: self.clock.now(),
            who: "the command line".into(),
        }
    }
}

impl Office {
    /// Somebody on the command line, and the router that they named.
    pub(super) async fn at_router(&self, name: &str) -> Result<(Desk<'_>, Router), CliError> {
        let desk = self.desk();
        let router = desk.router(name).await?;
        Ok((desk, router))
    }
}

impl From<DeskError> for CliError {
    fn from(error: DeskError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A name as it can be printed: what others wrote never moves the cursor.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self
            .0
            .chars()
            .map(|sign| if sign.is_control() { '\u{fffd}' } else { sign })
            .collect();
        f.pad(&text)
    }
}

/// A table: columns as wide as they have to be, the last one as it is.
pub(super) fn table(
    out: &mut dyn io::Write,
    heads: &[&str],
    rows: &[Vec<String>],
) -> Result<(), CliError> {
    let widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(column, head)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(head.chars().count())
        })
        .collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| -> Result<(), CliError> {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            let gap = width.saturating_sub(cell.chars().count()) + 2;
            text.push_str(&Plain(cell).to_string());
            text.extend(std::iter::repeat_n(' ', gap));
        }
        Ok(writeln!(out, "{}", text.trim_end())?)
    };
    line(&mut heads.iter().copied())?;
    for row in rows {
        line(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}

/// As JSON, for programs.
pub(super) fn json(out: &mut dyn io::Write, value: &impl serde::Serialize) -> Result<(), CliError> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| CliError::Failed(error.to_string()))?;
    Ok(writeln!(out, "{text}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_it_has_to_be_and_harmless() {
        let rows = [
            vec!["ann".to_owned(), "managed".to_owned()],
            vec!["a\u{1b}[2Jb".to_owned(), "x".to_owned()],
        ];
        let mut out = Vec::new();
        table(&mut out, &["NAME", "IS"], &rows).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "NAME    IS\nann     managed\na\u{fffd}[2Jb  x\n");
    }
}
