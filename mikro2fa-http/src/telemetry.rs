//! Logging and metrics. Logs go to standard error, so that standard output holds only what a command was asked for.

mod metrics;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::FmtSpan, time::SystemTime},
    util::{SubscriberInitExt, TryInitError},
};

use crate::config::{LogFormat, LogLevel};

pub(crate) use self::metrics::{Metrics, OPENMETRICS};

/// Libraries whose lines below `warn` hold more than they tell: bytes of requests, and with them tokens in URLs.
const QUIET: [&str; 4] = ["hyper=warn", "reqwest=warn", "rustls=warn", "teloxide=warn"];

/// Starts logging for the whole process. Once in a process.
///
/// # Errors
///
/// When a logger was installed already.
pub fn init(level: LogLevel, format: LogFormat) -> Result<(), TryInitError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_writer(std::io::stderr)
        .with_timer(SystemTime)
        .with_span_events(FmtSpan::NONE);
    match format {
        LogFormat::Text => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .finish()
            .try_init(),
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
    }
}

/// Ours from `level` on, the loud ones from `warn` on at most.
fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter = EnvFilter::default().add_directive(level.into());
    let quiet = QUIET
        .iter()
        .filter(|_| level > LevelFilter::WARN)
        .filter_map(|directive| directive.parse().ok());
    quiet.fold(filter, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_log_requests_stay_quiet_at_any_level() {
        let filter = filter(LogLevel::Trace).to_string();
        for directive in QUIET {
            assert!(filter.contains(directive), "{directive} in {filter}");
        }
        assert!(filter.contains("trace"), "{filter}");
        assert!(!super::filter(LogLevel::Error).to_string().contains("warn"));
    }
}
