//! What a world is made of.

use mikro2fa_router::simulator::{PreparedNames, Simulator, SimulatorBuilder};
use mikro2fa_store::DatabaseUrl;
use mikro2fa_telegram::fake_api::FakeConfig;
use serde_json::{Value, json};

use super::PASSWORD;

/// What a world is made of. The default is the demo's.
#[derive(Debug)]
pub struct WorldOptions {
    /// Everybody's language, `en` or `ru`.
    pub language: String,
    /// Where mikro2fa keeps what it knows, empty at first; a SQLite file in a folder of its own if none is named.
    pub database: Option<DatabaseUrl>,
    /// The system level of policy, as REST takes it.
    pub policy: Value,
    /// The router `office`, with the logins `ann` and `bob`.
    pub office: RouterOptions,
    /// More fields of ann's and bob's accounts, as REST takes them.
    pub account: Value,
    /// The stand-in for Telegram; its clock and watchdog are set by the world.
    pub telegram: FakeConfig,
}

impl Default for WorldOptions {
    fn default() -> Self {
        let office = RouterOptions::named("office");
        Self {
            language: "en".into(),
            database: None,
            policy: json!({
                "session_duration": 7_200, "max_total": 28_800, "reminder_before": 1_800, "extensions": [60, 240],
            }),
            office: RouterOptions {
                simulator: office
                    .simulator
                    .account("ann", PASSWORD)
                    .account("bob", PASSWORD),
                ..office
            },
            account: json!({}),
            telegram: FakeConfig {
                can_join_groups: false,
                ..FakeConfig::default()
            },
        }
    }
}

/// A router, and how mikro2fa knows it.
#[derive(Clone, Debug)]
pub struct RouterOptions {
    /// The router itself; its clock is set by the world.
    pub simulator: SimulatorBuilder,
    /// More fields of its record, as REST takes them.
    pub record: Value,
}

impl RouterOptions {
    /// A prepared router of this name without any login.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            simulator: Simulator::builder()
                .prepared(PreparedNames::default())
                .identity(name),
            record: json!({}),
        }
    }
}
