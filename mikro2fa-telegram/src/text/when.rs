//! Times and durations in words, for one reader.

use std::time::Duration;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike, Utc};
use mikro2fa_core::{desk::Language, time::Timestamp};

/// Furthest offsets of time zones on Earth: UTC−12 to UTC+14.
const ZONES: std::ops::RangeInclusive<i16> = -12 * 60..=14 * 60;

const EN_DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const RU_DAYS: [&str; 7] = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"];
const EN_MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const RU_MONTHS: [&str; 12] = [
    "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
];

/// For whom something is written: language and time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// The language.
    pub language: Language,
    /// Minutes east of UTC in which times are shown.
    pub zone_minutes: i16,
    /// Did they choose that zone? Until then each time says in which zone it is.
    pub zone_chosen: bool,
}

impl Reader {
    /// A reader whose zone is not known: times are in UTC, and say so.
    pub const fn new(language: Language) -> Self {
        Self {
            language,
            zone_minutes: 0,
            zone_chosen: false,
        }
    }

    /// A reader with the zone they chose, if they chose one.
    #[must_use]
    pub const fn in_zone(self, minutes: Option<i16>) -> Self {
        match minutes {
            Some(minutes) => Self {
                zone_minutes: minutes,
                zone_chosen: true,
                ..self
            },
            None => self,
        }
    }

    /// The time of day, 24 hours: `18:40`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.local(at)
            .map_or_else(|| "–".to_owned(), |at| self.with_zone(clock_of(&at)))
    }

    /// `18:40` today, `tomorrow 09:15`, else `Fri 21 Nov, 09:15`; another year is named.
    pub fn moment(&self, at: Timestamp, now: Timestamp) -> String {
        let (Some(at), Some(now)) = (self.local(at), self.local(now)) else {
            return "–".to_owned();
        };
        let (day, today) = (at.date_naive(), now.date_naive());
        let clock = clock_of(&at);
        let text = if day == today {
            clock
        } else if Some(day) == today.succ_opt() {
            match self.language {
                Language::En => format!("tomorrow {clock}"),
                Language::Ru => format!("завтра {clock}"),
            }
        } else {
            format!("{}, {clock}", self.date(day, today))
        };
        self.with_zone(text)
    }

    /// How long, in whole minutes: `3 h 20 min`; from four days on in days. Never `0 min`.
    pub fn duration(&self, length: Duration) -> String {
        let minutes = length.as_secs().saturating_add(30) / 60;
        let (hours, rest) = (minutes / 60, minutes % 60);
        let russian = matches!(self.language, Language::Ru);
        match (hours, rest) {
            (0, 0) if russian => "меньше минуты".to_owned(),
            (0, 0) => "less than a minute".to_owned(),
            (96.., _) => self.days((hours + 12) / 24),
            (0, rest) if russian => format!("{rest} мин"),
            (0, rest) => format!("{rest} min"),
            (hours, 0) if russian => format!("{hours} ч"),
            (hours, 0) => format!("{hours} h"),
            (hours, rest) if russian => format!("{hours} ч {rest} мин"),
            (hours, rest) => format!("{hours} h {rest} min"),
        }
    }

    /// The zone by its name: `UTC+3`, `UTC+5:30`.
    pub fn zone(&self) -> String {
        zone_name(self.zone_minutes)
    }

    fn days(&self, days: u64) -> String {
        match (self.language, days % 10, days % 100) {
            (Language::En, ..) => format!("{days} days"),
            (Language::Ru, 1, hundred) if hundred != 11 => format!("{days} день"),
            (Language::Ru, 2..=4, hundred) if !(12..=14).contains(&hundred) => {
                format!("{days} дня")
            }
            (Language::Ru, ..) => format!("{days} дней"),
        }
    }

    fn date(&self, day: NaiveDate, today: NaiveDate) -> String {
        let (days, months) = match self.language {
            Language::En => (&EN_DAYS, &EN_MONTHS),
            Language::Ru => (&RU_DAYS, &RU_MONTHS),
        };
        let weekday = days
            .get(day.weekday().num_days_from_monday() as usize)
            .unwrap_or(&"");
        let month = months.get(day.month0() as usize).unwrap_or(&"");
        let date = format!("{weekday} {} {month}", day.day());
        if day.year() == today.year() {
            date
        } else {
            format!("{date} {}", day.year())
        }
    }

    fn local(&self, at: Timestamp) -> Option<DateTime<FixedOffset>> {
        let zone = FixedOffset::east_opt(i32::from(self.zone_minutes) * 60)?;
        Some(DateTime::<Utc>::from_timestamp_millis(at.millis())?.with_timezone(&zone))
    }

    fn with_zone(&self, text: String) -> String {
        if self.zone_chosen {
            text
        } else {
            format!("{text} ({})", self.zone())
        }
    }
}

/// Minutes east of UTC as people write them: `+3`, `-5`, `UTC+5:30`. None if it is no zone on Earth.
pub fn parse_zone(text: &str) -> Option<i16> {
    let text = text.trim();
    let digits = text
        .get(..3)
        .filter(|head| head.eq_ignore_ascii_case("utc"))
        .map_or(text, |_| &text[3..])
        .trim();
    if digits.is_empty() {
        return (!text.is_empty()).then_some(0);
    }
    let (sign, digits) = match digits.chars().next()? {
        '+' => (1, &digits[1..]),
        '-' => (-1, &digits[1..]),
        '−' => (-1, &digits['−'.len_utf8()..]),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let number = |text: &str| -> Option<i16> {
        (!text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = sign * (hours * 60 + minutes);
    (minutes < 60 && ZONES.contains(&total)).then_some(total)
}

fn zone_name(minutes: i16) -> String {
    let sign = if minutes < 0 { '−' } else { '+' };
    match (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
    }
}

fn clock_of(at: &DateTime<FixedOffset>) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday, 20 November 2025, 15:40 UTC.
    const NOW: Timestamp = Timestamp(1_763_653_200_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn reader(language: Language) -> Reader {
        Reader::new(language).in_zone(Some(180))
    }

    #[test]
    fn a_day_is_named_when_it_is_not_today() {
        let (en, ru) = (reader(Language::En), reader(Language::Ru));
        assert_eq!(en.moment(NOW, NOW), "18:40");
        assert_eq!(en.moment(NOW + HOUR * 15, NOW), "tomorrow 09:40");
        assert_eq!(ru.moment(NOW + HOUR * 15, NOW), "завтра 09:40");
        assert_eq!(en.moment(NOW + HOUR * 39, NOW), "Sat 22 Nov, 09:40");
        assert_eq!(ru.moment(NOW + HOUR * 39, NOW), "сб 22 ноя, 09:40");
        assert_eq!(en.moment(NOW - HOUR * 24, NOW), "Wed 19 Nov, 18:40");
        assert_eq!(
            en.moment(NOW + HOUR * 24 * 60, NOW),
            "Mon 19 Jan 2026, 18:40"
        );
        assert_eq!(en.moment(Timestamp::MAX, NOW), "–");
    }

    #[test]
    fn the_zone_is_named_until_it_was_chosen() {
        assert_eq!(Reader::new(Language::En).clock(NOW), "15:40 (UTC)");
        let somewhere = Reader {
            zone_minutes: 330,
            ..Reader::new(Language::En)
        };
        assert_eq!(somewhere.clock(NOW), "21:10 (UTC+5:30)");
        assert_eq!(
            Reader {
                zone_minutes: -300,
                ..somewhere
            }
            .clock(NOW),
            "10:40 (UTC−5)"
        );
    }

    #[test]
    fn durations_have_no_zero() {
        let en = |seconds| reader(Language::En).duration(Duration::from_secs(seconds));
        let ru = |seconds| reader(Language::Ru).duration(Duration::from_secs(seconds));
        assert_eq!(
            (en(0), ru(29)),
            ("less than a minute".into(), "меньше минуты".into())
        );
        assert_eq!((en(60), ru(300)), ("1 min".into(), "5 мин".into()));
        assert_eq!((en(3600), ru(3600 * 24)), ("1 h".into(), "24 ч".into()));
        assert_eq!(
            (en(12_000), ru(12_000)),
            ("3 h 20 min".into(), "3 ч 20 мин".into())
        );
        assert_eq!(en(86_400 - 1), "24 h");
        assert_eq!(
            (en(86_400 * 7), ru(86_400 * 21)),
            ("7 days".into(), "21 день".into())
        );
        assert_eq!(
            (ru(86_400 * 22), ru(86_400 * 11)),
            ("22 дня".into(), "11 дней".into())
        );
    }

    #[test]
    fn zones_as_people_write_them() {
        for (text, minutes) in [
            ("+3", 180),
            (" UTC+3 ", 180),
            ("-5", -300),
            ("−5", -300),
            ("+5:30", 330),
            ("utc", 0),
            ("+14", 840),
        ] {
            assert_eq!(parse_zone(text), Some(minutes), "{text}");
        }
        for text in [
            "", "3", "+15", "-13", "+3:60", "+003", "Moscow", "++3", "+3:", "мск", "ut",
        ] {
            assert_eq!(parse_zone(text), None, "{text}");
        }
    }
}
