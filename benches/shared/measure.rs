//! What all benches do alike: how long, how often, how much memory, and a figure beside its limit.
//!
//! Figures are compared within one run only: the machine's own speed moves more from minute to minute than what is
//! measured here.

#![allow(dead_code, reason = "each bench uses what it needs")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on is to stop there, and it reports by printing"
)]

use std::time::{Duration, Instant};

/// Is this a real measurement (`cargo bench`), or only a try whether it runs?
pub(crate) fn full() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// `many` in a real measurement, `few` in a try.
pub(crate) fn sized<T>(many: T, few: T) -> T {
    if full() { many } else { few }
}

/// Words that were given after `--`: which parts to run.
pub(crate) fn wanted(part: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|word| word != "--bench");
    let first = named.next();
    first.is_none_or(|first| first == part || named.any(|word| word == part))
}

/// Runs it and says how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

/// Time that this thread has been on a processor: what others do beside it does not count.
pub(crate) fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// How many a second.
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts stay far below what f64 holds exactly"
    )]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which so many of a hundred lie.
pub(crate) fn percentile(values: &[Duration], percent: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

/// One figure.
pub(crate) fn figure(what: &str, value: f64, unit: &str) {
    println!("{what:<58} {:>14} {unit}", digits(value));
}

/// One figure as a share of what the machine allows.
pub(crate) fn beside(what: &str, value: f64, unit: &str, limit: f64) {
    println!(
        "{what:<58} {:>14} {unit:<12} {:>8.1} % of the limit",
        digits(value),
        100.0 * value / limit
    );
}

/// One duration in milliseconds.
pub(crate) fn time(what: &str, took: Duration) {
    println!("{what:<58} {:>14.3} ms", took.as_secs_f64() * 1e3);
}

/// One duration in milliseconds, as a multiple of the least that it could be.
pub(crate) fn times(what: &str, took: Duration, limit: Duration) {
    println!(
        "{what:<58} {:>14.3} ms           {:>8.2} times the limit",
        took.as_secs_f64() * 1e3,
        took.as_secs_f64() / limit.as_secs_f64()
    );
}

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

fn digits(value: f64) -> String {
    let text = if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    };
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    if rest.is_empty() {
        grouped
    } else {
        format!("{grouped}.{rest}")
    }
}

/// Memory that this process has now, in KiB: what is resident, and the most that ever was.
pub(crate) fn resident() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Random numbers that cost nothing and repeat themselves (Marsaglia, *Xorshift RNGs*, 2003).
pub(crate) struct Xorshift(pub(crate) u64);

impl Xorshift {
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
