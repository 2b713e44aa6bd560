//! The simulated router's time: real, by hand, or somebody else's.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// A clock that simulators run on. Cheap to clone; clones are the same clock, and several simulators may share one.
///
/// Time is what has passed since the clock began. [`SimClock::advance`] moves any kind of clock forward: a manual one
/// moves only so, a real one jumps. Time never goes back; a wrong date is a fault of its own.
#[derive(Clone)]
pub struct SimClock {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    advanced: Mutex<Duration>,
    changed: watch::Sender<()>,
}

enum Source {
    Real(Instant),
    Manual,
    External(Box<dyn Fn() -> Duration + Send + Sync>),
}

impl SimClock {
    /// Runs as the machine's monotonic clock does.
    #[must_use]
    pub fn real() -> Self {
        Self::new(Source::Real(Instant::now()))
    }

    /// Stands still until it is advanced.
    #[must_use]
    pub fn manual() -> Self {
        Self::new(Source::Manual)
    }

    /// Says what `now` says, which is asked often and must not go back. After it moved, [`SimClock::moved`] tells
    /// the simulators; without that they notice when they are next asked something.
    #[must_use]
    pub fn external(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self::new(Source::External(Box::new(now)))
    }

    fn new(source: Source) -> Self {
        let (changed, _) = watch::channel(());
        Self {
            inner: Arc::new(Inner {
                source,
                advanced: Mutex::default(),
                changed,
            }),
        }
    }

    /// Time since the clock began.
    #[must_use]
    pub fn now(&self) -> Duration {
        let advanced = *self
            .inner
            .advanced
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let base = match &self.inner.source {
            Source::Real(start) => start.elapsed(),
            Source::Manual => Duration::ZERO,
            Source::External(now) => now(),
        };
        base.saturating_add(advanced)
    }

    /// Moves the clock forward and tells every simulator on it.
    pub fn advance(&self, by: Duration) {
        {
            let mut advanced = self
                .inner
                .advanced
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *advanced = advanced.saturating_add(by);
        }
        self.moved();
    }

    /// Tells every simulator on this clock that it has moved.
    pub fn moved(&self) {
        self.inner.changed.send_replace(());
    }

    /// Whether time passes without being moved, so that a deadline can be slept for.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.inner.source, Source::Real(_))
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.inner.changed.subscribe()
    }
}

impl fmt::Debug for SimClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimClock({:?})", self.now())
    }
}

/// A date and time of day as RouterOS shows it, from seconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Civil {
    year: i64,
    month: usize,
    day: i64,
    second_of_day: i64,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl Civil {
    /// The proleptic Gregorian date, by counting from 1 March 0000 so that a leap day ends its year.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            second_of_day: seconds.rem_euclid(86_400),
        }
    }

    /// Year, month from 1, day from 1.
    pub(crate) fn ymd(&self) -> (i32, u8, u8) {
        let small = |number: i64| u8::try_from(number).unwrap_or(1);
        (
            i32::try_from(self.year).unwrap_or(9999),
            u8::try_from(self.month).unwrap_or(1),
            small(self.day),
        )
    }

    /// `2024-02-05`, or `feb/05/2024` before 7.10.
    pub(crate) fn date(&self, iso: bool) -> String {
        if iso {
            return format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        }
        let name = MONTHS
            .get(self.month.wrapping_sub(1))
            .copied()
            .unwrap_or("jan");
        format!("{name}/{:02}/{:04}", self.day, self.year)
    }

    /// `13:47:44`
    pub(crate) fn time(&self) -> String {
        let second = self.second_of_day;
        format!(
            "{:02}:{:02}:{:02}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }

    /// Date and time with a blank between.
    pub(crate) fn date_time(&self, iso: bool) -> String {
        format!("{} {}", self.date(iso), self.time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_each_version_does() {
        let moment = Civil::from_unix(1_707_140_864);
        assert_eq!(moment.date_time(true), "2024-02-05 13:47:44");
        assert_eq!(moment.date_time(false), "feb/05/2024 13:47:44");
        assert_eq!(Civil::from_unix(0).date_time(false), "jan/01/1970 00:00:00");
        assert_eq!(Civil::from_unix(951_782_400).date(true), "2000-02-29");
        assert_eq!(
            Civil::from_unix(4_102_444_799).date_time(true),
            "2099-12-31 23:59:59"
        );
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand_and_for_all_its_clones() {
        let clock = SimClock::manual();
        let other = clock.clone();
        assert_eq!(clock.now(), Duration::ZERO);
        other.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), Duration::from_secs(5));
        assert!(!clock.runs());
    }

    #[test]
    fn an_external_clock_says_what_it_is_told() {
        let clock = SimClock::external(|| Duration::from_secs(7));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Duration::from_secs(8));
    }
}
