//! The engine under faults, over ports in memory: random histories from seeds, and what must hold in all of them.
//!
//! One thread, one clock that stands still, one source of chance: a seed gives the same history every time. After
//! everything that happens the router's own gate is asked what would pass. `invariants` says what must always hold,
//! `calm` what must hold in the end.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `MIKRO2FA_SIMULATION_HISTORIES` | how many; 2,000 if not set |
//! | `MIKRO2FA_SIMULATION_SEED` | plays this one alone, and prints it |
//! | `MIKRO2FA_SIMULATION_FIRST` | the first seed; 1 if not set |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod calm;
mod chance;
mod history;
mod invariants;
mod ports;
mod quiet;
mod settings;
mod truth;
mod words;
mod world;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Instant,
};

use quiet::Quiet;
use world::World;

/// What became of one history.
#[derive(Debug, PartialEq, Eq)]
struct Played {
    broken: Option<String>,
    history: String,
}

/// Plays the history of a seed; `recorded` keeps what happened, which changes nothing of it.
fn play(seed: u64, recorded: bool) -> Played {
    let quiet = Quiet::default();
    let runtime = quiet.runtime();
    runtime.block_on(async {
        let mut world = World::new(seed, quiet.clone(), recorded).await;
        history::play(&mut world).await;
        calm::end(&mut world).await;
        let broken = world.truth.lock().broken.take();
        let broken = broken.map(|broken| world.named(broken));
        let history = world.history();
        Played { broken, history }
    })
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is to be a number, not {text:?}")),
    )
}

#[test]
fn histories() {
    if let Some(seed) = number("MIKRO2FA_SIMULATION_SEED") {
        let played = play(seed, true);
        println!("{}", played.history);
        assert_eq!(played.broken, None, "seed {seed}");
        return;
    }
    let first = number("MIKRO2FA_SIMULATION_FIRST").unwrap_or(1);
    let end = first + number("MIKRO2FA_SIMULATION_HISTORIES").unwrap_or(2_000);
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let begun = Instant::now();
    let found = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !failed.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= end {
                            return None;
                        }
                        if let Some(broken) = play(seed, false).broken {
                            failed.store(true, Ordering::Relaxed);
                            return Some((seed, broken));
                        }
                    }
                    None
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .min()
    });
    println!("{} histories in {:?}", end - first, begun.elapsed());
    if let Some((seed, broken)) = found {
        let played = play(seed, true);
        println!("{}", played.history);
        panic!(
            "{broken}\n\nThe history of seed {seed} is above; MIKRO2FA_SIMULATION_SEED={seed} plays it again \
             (again: {:?})",
            played.broken
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [3, 14, 159, 2_653, 58_979] {
        let first = play(seed, true);
        let again = play(seed, true);
        assert!(first.history.len() > 1_000, "{}", first.history);
        assert_eq!(first, again, "seed {seed}");
        assert_eq!(
            play(seed, false).broken,
            first.broken,
            "whether it is recorded changes nothing"
        );
    }
}
