//! What observe mode found.

use std::{io, time::Duration};

use clap::Args;
use mikro2fa_core::{report::Stop, time::Timestamp};

use super::super::{
    CliError,
    office::{Office, Plain, json, table},
};
use crate::desk::ReportView;

#[derive(Clone, Debug, Args)]
pub(in super::super) struct ReportCommand {
    /// The router's name or id.
    router: String,
    /// How far back: 30m, 12h or 7d.
    #[arg(long, default_value = "7d", value_parser = back)]
    since: Duration,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// A number with a unit.
fn back(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}`: say a number with m, h or d behind it, such as 7d");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds > 0 && *seconds < 100 * 365 * 86_400)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

impl ReportCommand {
    pub(in super::super) async fn at(
        &self,
        office: &Office,
        out: &mut dyn io::Write,
    ) -> Result<(), CliError> {
        let (desk, router) = office.at_router(&self.router).await?;
        let since = office.clock.now() - self.since;
        let report = desk.report(&router, since).await?;
        if self.json {
            return json(out, &report);
        }
        print(&report, out)
    }
}

fn print(report: &ReportView, out: &mut dyn io::Write) -> Result<(), CliError> {
    writeln!(
        out,
        "router {}, {} to {} (UTC)",
        Plain(&report.router),
        when(report.since),
        when(report.until)
    )?;
    writeln!(
        out,
        "{} questions, {} confirmed; {} tunnels of {} accounts would have been stopped",
        report.asked,
        report.confirmed,
        report.stopped.len(),
        report.accounts
    )?;
    for weakening in &report.weakenings {
        writeln!(out, "weakened: {weakening}")?;
    }
    if report.stopped.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = report
        .stopped
        .iter()
        .map(|line| {
            let what = match line.would_have_been {
                Stop::Held => "held",
                Stop::Cut => "cut",
            };
            vec![
                when(line.at),
                line.account.to_string(),
                line.owner.as_deref().unwrap_or("-").to_owned(),
                line.caller.clone().unwrap_or_else(|| "-".to_owned()),
                what.to_owned(),
                line.why.to_string(),
            ]
        })
        .collect();
    let heads = ["WHEN", "ACCOUNT", "OWNER", "FROM", "WOULD BE", "BECAUSE"];
    table(out, &heads, &rows)
}

/// `2026-11-28 03:15`.
fn when(at: Timestamp) -> String {
    let (days, rest) = (
        at.millis().div_euclid(86_400_000),
        at.millis().rem_euclid(86_400_000),
    );
    let (year, month, day) = date(days);
    let minutes = rest / 60_000;
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}",
        minutes / 60,
        minutes % 60
    )
}

/// The date so many days after 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(when(Timestamp(0)), "1970-01-01 00:00");
        assert_eq!(when(Timestamp(951_782_400_000)), "2000-02-29 00:00");
        assert_eq!(when(Timestamp(1_764_299_700_000)), "2025-11-28 03:15");
        assert_eq!(back("7d"), Ok(Duration::from_secs(7 * 86_400)));
        assert_eq!(back("30m"), Ok(Duration::from_secs(1_800)));
        for odd in [
            "",
            "d",
            "7",
            "7w",
            "-1d",
            "0h",
            "99999999999999999999d",
            "7\u{e9}",
        ] {
            assert!(back(odd).is_err(), "{odd}");
        }
    }
}
