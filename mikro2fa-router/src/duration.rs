//! RouterOS durations: `1w2d3h4m5s` to [`Duration`] and back.
//!
//! RouterOS writes a duration as unit-marked numbers from weeks down to milliseconds, leaving zero parts out, and `0s`
//! for nothing (MikroTik manual, *Console*, value types). Older versions and `as-value` output write `01:22:53`,
//! `1d01:22:53` or `00:00:00.000060`. All of these are read; a plain number is seconds.
//!
//! ```
//! use std::time::Duration;
//! use mikro2fa_router::duration;
//!
//! assert_eq!(duration::parse("1w2d3h4m5s"), Ok(Duration::from_secs(788_645)));
//! assert_eq!(duration::parse("00:10:00"), Ok(Duration::from_secs(600)));
//! assert_eq!(duration::format(Duration::from_secs(90)), "1m30s");
//! ```

use std::{fmt::Write as _, time::Duration};

/// The text is no duration as RouterOS writes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseDurationError {
    /// Nothing to read.
    #[error("a duration is empty; write it like 1h30m or 90s")]
    Empty,
    /// A character, unit or order that RouterOS does not write.
    #[error("not a duration; write it like 1w2d3h4m5s, 01:22:53 or plain seconds")]
    Malformed,
    /// More than fits.
    #[error("a duration is too long; RouterOS itself stops at 35w3d13h13m56s")]
    TooLong,
}

/// Units by name with their length in nanoseconds, longest first: the order in which they may follow each other.
const UNITS: [(&str, u128); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const SECOND: u128 = 1_000_000_000;

/// Reads a duration.
///
/// # Errors
///
/// [`ParseDurationError`] where the text is empty, not a duration, or longer than a [`Duration`] holds. Never panics.
pub fn parse(text: &str) -> Result<Duration, ParseDurationError> {
    if text.is_empty() {
        return Err(ParseDurationError::Empty);
    }
    let mut rest = text;
    let mut nanos: u128 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let (number, after) = take_digits(rest)?;
        if after.is_empty() && next_unit == 0 {
            return to_duration(number.checked_mul(SECOND));
        }
        if after.starts_with(':') {
            nanos = nanos
                .checked_add(parse_clock(rest)?)
                .ok_or(ParseDurationError::TooLong)?;
            return to_duration(Some(nanos));
        }
        let unit_length = after
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(after.len());
        let (unit, tail) = after.split_at(unit_length);
        let found = UNITS
            .iter()
            .enumerate()
            .skip(next_unit)
            .find(|(_, (name, _))| *name == unit);
        let (index, (_, length)) = found.ok_or(ParseDurationError::Malformed)?;
        next_unit = index + 1;
        let part = number
            .checked_mul(*length)
            .ok_or(ParseDurationError::TooLong)?;
        nanos = nanos.checked_add(part).ok_or(ParseDurationError::TooLong)?;
        rest = tail;
    }
    to_duration(Some(nanos))
}

/// Writes a duration as RouterOS does: weeks down to milliseconds, zero parts left out, what is below a millisecond cut off.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut left = duration.as_nanos();
    let mut text = String::new();
    for (name, length) in UNITS.into_iter().take(6) {
        let count = left / length;
        left %= length;
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{count}{name}");
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

/// `01:22:53` or `01:22:53.25`, or with minutes and seconds only.
fn parse_clock(text: &str) -> Result<u128, ParseDurationError> {
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text, None), |(whole, part)| (whole, Some(part)));
    let mut seconds: u128 = 0;
    let mut parts = 0;
    for part in whole.split(':') {
        let (number, rest) = take_digits(part)?;
        parts += 1;
        if !rest.is_empty() || parts > 3 {
            return Err(ParseDurationError::Malformed);
        }
        let shifted = seconds.checked_mul(60).ok_or(ParseDurationError::TooLong)?;
        seconds = shifted
            .checked_add(number)
            .ok_or(ParseDurationError::TooLong)?;
    }
    let nanos = fraction.map_or(Ok(0), parse_fraction)?;
    seconds
        .checked_mul(SECOND)
        .and_then(|n| n.checked_add(nanos))
        .ok_or(ParseDurationError::TooLong)
}

fn parse_fraction(digits: &str) -> Result<u128, ParseDurationError> {
    let (number, rest) = take_digits(digits)?;
    let places = u32::try_from(digits.len()).map_err(|_| ParseDurationError::Malformed)?;
    if !rest.is_empty() || places > 9 {
        return Err(ParseDurationError::Malformed);
    }
    Ok(number * 10_u128.pow(9 - places))
}

fn take_digits(text: &str) -> Result<(u128, &str), ParseDurationError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Err(ParseDurationError::Malformed);
    }
    // Only digits are left, so the sole reason to fail is size.
    let number = digits.parse().map_err(|_| ParseDurationError::TooLong)?;
    Ok((number, rest))
}

fn to_duration(nanos: Option<u128>) -> Result<Duration, ParseDurationError> {
    let nanos = nanos.ok_or(ParseDurationError::TooLong)?;
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| ParseDurationError::TooLong)?;
    let rest = u32::try_from(nanos % SECOND).map_err(|_| ParseDurationError::TooLong)?;
    Ok(Duration::new(seconds, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_routeros_writes() {
        let cases = [
            ("0s", 0),
            ("300ms", 300),
            ("1m30s", 90_000),
            ("3w4d12h23m12s", 2_204_592_000),
            ("35w3d13h13m56s", 21_474_836_000),
            ("01:22:53", 4_973_000),
            ("1d01:22:53", 91_373_000),
            ("1w1d00:00:01", 691_201_000),
            ("00:00:00.5", 500),
            ("02:03", 123_000),
            ("600", 600_000),
            ("1s500ms", 1_500),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse("00:00:00.000060"), Ok(Duration::from_micros(60)));
    }

    #[test]
    fn refuses_what_is_no_duration() {
        let cases = [
            "abc",
            "1x",
            "5s5",
            "1m1h",
            "1h1h",
            "-1s",
            "1:2:3:4",
            "1::2",
            " 1s",
            "1s ",
            "1.5",
            "1,5s",
            "1d5",
            "00:00:00.",
            "never",
        ];
        for text in cases {
            assert_eq!(parse(text), Err(ParseDurationError::Malformed), "{text}");
        }
        assert_eq!(parse(""), Err(ParseDurationError::Empty));
        assert_eq!(
            parse("99999999999999999999999999999999999999999s"),
            Err(ParseDurationError::TooLong)
        );
        assert_eq!(
            parse("340282366920938463463374607431768211455w"),
            Err(ParseDurationError::TooLong)
        );
    }

    #[test]
    fn writes_what_routeros_writes() {
        assert_eq!(format(Duration::ZERO), "0s");
        assert_eq!(format(Duration::from_micros(60)), "0s");
        assert_eq!(format(Duration::from_secs(2_204_592)), "3w4d12h23m12s");
        assert_eq!(format(Duration::from_millis(1_500)), "1s500ms");
    }

    proptest! {
        #[test]
        fn round_trips(millis in 0_u64..u64::MAX / 2) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn takes_any_text(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn takes_anything_that_looks_like_one(text in "[0-9:.wdhms]{0,40}") {
            let _ = parse(&text);
        }
    }
}
