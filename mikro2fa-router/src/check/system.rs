//! Version, device mode, packages, clock, and what the router does with strange sources.

use super::{Facts, Finding, Level};
use crate::survey::{Section, Survey};

pub(super) fn check(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    version(survey, findings);
    device_mode(survey, findings);
    clock(survey, facts, findings);
    reverse_path(survey, findings);
}

fn version(survey: &Survey, findings: &mut Vec<Finding>) {
    if survey.version.major < 7 {
        findings.push(Finding::new(
            "version-6",
            Level::Note,
            format!("RouterOS {}.{}", survey.version.major, survey.version.minor),
            "Version 6 gets only fixes, and fewer of them. mikro2fa holds its tunnels all the same.",
        ));
        let packages = survey.rows(Section::Packages);
        let has = |name: &str| {
            packages
                .iter()
                .any(|row| row.text("name") == name && !row.is("disabled"))
        };
        if !packages.is_empty() && !has("ppp") {
            findings.push(Finding::new(
                "no-ppp",
                Level::High,
                "the package ppp is not installed or disabled",
                "The router serves no PPP tunnels: there is nothing to hold.",
            ));
        }
    }
}

fn device_mode(survey: &Survey, findings: &mut Vec<Finding>) {
    let Some(mode) = survey.only(Section::DeviceMode) else {
        return;
    };
    let forbidden: Vec<&str> = ["scheduler", "fetch"]
        .into_iter()
        .filter(|feature| mode.text(feature) == "no" || mode.text(feature) == "false")
        .collect();
    if forbidden.is_empty() {
        return;
    }
    let name = mode.get("mode").unwrap_or("unknown");
    findings.push(Finding::new(
        "device-mode",
        Level::Note,
        format!("device mode {name} forbids {}", forbidden.join(" and ")),
        "Without fetch there is no webhook (polling and listening go on), without scheduler no dead man's switch.",
    ));
}

/// Differences that a look and a slow router explain.
const TOLERANCE_S: i64 = 120;

fn clock(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(clock) = survey.only(Section::Clock) else {
        return;
    };
    let Some(theirs) = unix_of(
        clock.text("date"),
        clock.text("time"),
        clock.text("gmt-offset"),
    ) else {
        return;
    };
    let ours = facts.now.millis() / 1000;
    let off = theirs - ours;
    if off.abs() <= TOLERANCE_S {
        return;
    }
    findings.push(
        Finding::new(
            "clock",
            Level::Warning,
            format!(
                "the router's clock is {} s {}",
                off.abs(),
                if off < 0 { "behind" } else { "ahead" }
            ),
            "Leases do not go by it, certificates and schedules do. A router without a battery starts in the past.",
        )
        .mended_by("/system ntp client set enabled=yes servers=pool.ntp.org"),
    );
}

/// RouterOS's two ways to write a date (`jan/02/1970`; `2024-11-26` from 7.10 on), a time, and `+02:00`.
fn unix_of(date: &str, time: &str, offset: &str) -> Option<i64> {
    let (year, month, day) = match date.split_once('/') {
        Some((month, rest)) => {
            let (day, year) = rest.split_once('/')?;
            const MONTHS: [&str; 12] = [
                "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
            ];
            let month = MONTHS
                .iter()
                .position(|it| it.eq_ignore_ascii_case(month))?;
            (year, i64::try_from(month).ok()? + 1, day)
        }
        None => {
            let mut parts = date.split('-');
            let year = parts.next()?;
            let month = parts.next()?.parse().ok()?;
            (year, month, parts.next()?)
        }
    };
    let year: i64 = year.parse().ok()?;
    let day: i64 = day.parse().ok()?;
    let sane =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sane {
        return None;
    }
    let mut parts = time.split(':').map(str::parse::<i64>);
    let mut next = || parts.next()?.ok().filter(|part| (0..=60).contains(part));
    let seconds = next()? * 3600 + next()? * 60 + next()?;
    let offset = match offset.split_at_checked(1) {
        Some((sign, rest)) if sign == "+" || sign == "-" => {
            let (hours, minutes) = rest.split_once(':')?;
            let size = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
            if sign == "-" { -size } else { size }
        }
        _ => 0,
    };
    // Days since 1970, by the civil calendar (Howard Hinnant, chrono-compatible low-level date algorithms).
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = era * 146_097 + of_days - 719_468;
    Some(days * 86_400 + seconds - offset)
}

/// Date and time of a certificate (`jan/02/2030 10:00:00`, `2030-01-02 10:00:00`), in seconds since 1970. UTC is near enough.
pub(super) fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    unix_of(date, time, "")
}

fn reverse_path(survey: &Survey, findings: &mut Vec<Finding>) {
    let Some(settings) = survey.only(Section::IpSettings) else {
        return;
    };
    let filter = settings.text("rp-filter");
    if filter == "strict" {
        return;
    }
    let shown = if filter.is_empty() { "no" } else { filter };
    findings.push(
        Finding::new(
            "rp-filter",
            Level::Warning,
            format!("rp-filter is {shown}"),
            "A quarantined tunnel can send one-way packets under a confirmed one's address. Strict stops that; not where \
             traffic comes back another way than it went (several uplinks).",
        )
        .mended_by("/ip settings set rp-filter=strict"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_dialects() {
        let cases = [
            ("jan/01/1970", "00:00:00", "", Some(0)),
            ("1970-01-02", "00:00:01", "+00:00", Some(86_401)),
            ("feb/29/2024", "12:00:00", "+02:00", Some(1_709_200_800)),
            ("2024-02-29", "12:00:00", "-01:30", Some(1_709_213_400)),
            ("2024-13-01", "12:00:00", "", None),
            ("yesterday", "12:00:00", "", None),
            ("2024-02-29", "noon", "", None),
        ];
        for (date, time, offset, expected) in cases {
            assert_eq!(
                unix_of(date, time, offset),
                expected,
                "{date} {time}{offset}"
            );
        }
        assert_eq!(moment("2024-02-29 12:00:00"), Some(1_709_208_000));
    }
}
