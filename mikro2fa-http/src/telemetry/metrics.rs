//! Numbers for Prometheus, in its OpenMetrics text form. Each server has its own: nothing global.

use mikro2fa_core::{engine::RouterStatus, gate::GateStatus};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};
use warp::http::StatusCode;

/// The media type of [`Metrics::text`].
pub(crate) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted as it happens; what has a state is asked for when somebody reads.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Family<Status, Counter>,
    hints: Family<Taken, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Taken {
    taken: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRouter {
    router: String,
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode) {
        self.requests
            .get_or_create(&Status {
                status: u32::from(status.as_u16()),
            })
            .inc();
    }

    /// A webhook call came.
    pub(crate) fn hooked(&self, taken: bool) {
        self.hints
            .get_or_create(&Taken {
                taken: if taken { "yes" } else { "no" },
            })
            .inc();
    }

    /// Everything, as of now.
    pub(crate) fn text(&self, routers: &[RouterStatus]) -> String {
        let mut registry = Registry::with_prefix("mikro2fa");
        registry.register(
            "build",
            "This program",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "http_requests",
            "Requests that were answered",
            self.requests.clone(),
        );
        registry.register(
            "hook_calls",
            "Webhook calls, by whether their key was known",
            self.hints.clone(),
        );
        for (name, help, value) in OF_ROUTERS {
            let family = Family::<OfRouter, Gauge>::default();
            for status in routers {
                family
                    .get_or_create(&OfRouter {
                        router: status.name.to_string(),
                    })
                    .set(value(status));
            }
            registry.register(name, help, family);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

/// What a router's status has in numbers.
type OfRouterGauge = (&'static str, &'static str, fn(&RouterStatus) -> i64);

const OF_ROUTERS: [OfRouterGauge; 7] = [
    ("router_reachable", "Whether the router answers", |status| {
        i64::from(status.reachable == Some(true))
    }),
    ("router_tunnels", "Tunnels that are up", |status| {
        count(status.tunnels)
    }),
    (
        "router_held_tunnels",
        "Tunnels held without a session",
        |status| count(status.held),
    ),
    ("router_sessions", "Sessions that are open", |status| {
        count(status.sessions)
    }),
    (
        "router_permits",
        "Permits of ours on the router",
        |status| count(status.permits),
    ),
    (
        "router_gate_holds",
        "Whether the gate holds what was not confirmed, as last seen",
        |status| {
            i64::from(matches!(
                status.gate,
                GateStatus::Whole | GateStatus::Marred
            ))
        },
    ),
    (
        "router_findings",
        "What is wrong with the gate, and what was found and is not ours to mend",
        |status| count(status.findings.len()),
    ),
];

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::{id::RouterId, time::Timestamp};

    use super::*;

    #[test]
    fn text_has_what_was_counted() {
        let metrics = Metrics::default();
        metrics.answered(StatusCode::OK);
        metrics.answered(StatusCode::OK);
        metrics.hooked(false);
        let status = RouterStatus {
            router: RouterId::from_uuid(uuid::Uuid::nil()),
            name: "office \"gw\"".into(),
            reachable: Some(true),
            since: Timestamp(0),
            trouble: None,
            looked_at: None,
            tunnels: 3,
            held: 1,
            sessions: 2,
            permits: 1,
            mode: mikro2fa_core::desk::Mode::Enforcing,
            order: None,
            gate: GateStatus::Whole,
            findings: vec![],
        };
        let text = metrics.text(&[status]);
        for line in [
            "mikro2fa_http_requests_total{status=\"200\"} 2",
            "mikro2fa_hook_calls_total{taken=\"no\"} 1",
            "mikro2fa_router_tunnels{router=\"office \\\"gw\\\"\"} 3",
            "mikro2fa_router_reachable{router=\"office \\\"gw\\\"\"} 1",
            "mikro2fa_router_gate_holds{router=\"office \\\"gw\\\"\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
