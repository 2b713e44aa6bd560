//! How long the question takes after the dial, and the permit after the tap, beside one `fdatasync` of this disk.
//!
//! The demo's world on real sockets: a simulated router's API, SQLite on the disk, the bot against a stand-in for the
//! Bot API. Neither end adds a latency of its own. What is durable before it is told has to wait for the disk once;
//! the rest is the wires and mikro2fa itself. Between two rounds some of the world's hours are let go by, so that no
//! pace of Telegram and no limit of questions is in what is measured.
//!
//! `cargo bench --bench latency`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends when something fails"
)]

use std::time::{Duration, Instant};

use mikro2fa_http::demo::world::{HOME, Outcome, World, WorldOptions};
use mikro2fa_store::DatabaseUrl;
use mikro2fa_telegram::fake_api::FakeMessage;
use serde_json::json;

#[path = "shared/database.rs"]
mod database;
#[path = "shared/limits.rs"]
mod limits;
#[path = "shared/measure.rs"]
mod measure;

use measure::{heading, percentile, sized, time};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let seen = runtime.block_on(rounds(sized(400, 2))).unwrap();
    heading("From the dial to the question, and from the tap to the permit");
    for (what, all) in [
        ("one fdatasync of 4 KiB", &seen.disk),
        ("from the dial to the question on the wire", &seen.questions),
        ("from the tap to the permit on the router", &seen.permits),
    ] {
        time(&format!("{what}, p50"), percentile(all, 50));
        time("  p90", percentile(all, 90));
        time("  p99", percentile(all, 99));
    }
}

#[derive(Default)]
struct Seen {
    disk: Vec<Duration>,
    questions: Vec<Duration>,
    permits: Vec<Duration>,
}

async fn rounds(many: usize) -> Outcome<Seen> {
    let folder = database::folder();
    let mut disk = limits::Disk::new(folder.path());
    let options = WorldOptions {
        language: "en".into(),
        database: Some(DatabaseUrl::sqlite(folder.path().join("latency.db"))),
        ..WorldOptions::default()
    };
    let world = World::start_with(options).await?;
    let mut seen = Seen::default();
    for _ in 0..many {
        world.request().await?;
        world.advance(Duration::from_secs(5)).await;
        seen.disk.push(disk.sync());
        let before = world.ann.shown().iter().map(|card| card.id).max();
        let begun = Instant::now();
        let tunnel = world.dial("ann", HOME).unwrap();
        let asks = |card: &FakeMessage| Some(card.id) > before && yes(card).is_some();
        let question = world.ann.message_where(asks).await.unwrap();
        seen.questions.push(begun.elapsed());
        world.settle().await;
        let begun = Instant::now();
        let _ = world.ann.tap_raw(question.id, &yes(&question).unwrap());
        world
            .until_router("the gate opens", |_| world.reaches_office(&tunnel))
            .await?;
        seen.permits.push(begun.elapsed());
        world.settle().await;
        let session = world.sessions().await?[0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        world
            .post(&format!("sessions/{session}/end"), json!({}))
            .await?;
        world
            .until_router("the tunnel is cut", |_| !tunnel.is_up())
            .await?;
        world.advance(Duration::from_secs(700)).await;
    }
    world.end().await;
    Ok(seen)
}

/// The data of the button that confirms.
fn yes(card: &FakeMessage) -> Option<String> {
    let mut buttons = card.keyboard.iter().flatten();
    let button = buttons.find(|button| button.label.starts_with("Yes"))?;
    Some(button.data.clone())
}
