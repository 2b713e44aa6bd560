//! `getUpdates`: waiting, one poller at a time, what is confirmed when.
//!
//! Rules of `Client.cpp`, `do_get_updates` and `fail_query_conflict`: who polls while another waits takes his place, and
//! the one who waited hears 409; of several such answers within 3 s all but the first come 3 s late. The same offset
//! again within 3 s waits up to 3 s, within half a second it gives one update.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Shared,
    params::Params,
    refusal::Refusal,
    world::{Ended, World},
};

/// Longest wait, whatever the caller asks for (`Client.h`, `LONG_POLL_MAX_TIMEOUT`).
const LONGEST_WAIT: Duration = Duration::from_secs(50);
/// How long a second 409 takes, and a poll that repeats itself.
const PENALTY: Duration = Duration::from_secs(3);
const PENALTY_MS: i64 = 3_000;
const AT_ONCE_MS: i64 = 500;

struct Begun {
    turn: u64,
    limit: usize,
    wait: Duration,
    first: Vec<Value>,
}

pub(super) async fn get_updates(shared: &Arc<Shared>, params: &Params) -> Result<Value, Refusal> {
    let mut changes = shared.changes.subscribe();
    let begun = shared.change(|world| begin(world, shared.clock.now(), params))?;
    if !begun.first.is_empty() || begun.wait.is_zero() {
        return Ok(Value::Array(begun.first));
    }
    let _turn = Turn {
        shared: Arc::clone(shared),
        turn: begun.turn,
    };
    let deadline = Instant::now() + begun.wait;
    loop {
        let seen = shared.peek(|world| {
            (world.poll.turn == begun.turn)
                .then(|| world.updates.first(begun.limit, shared.clock.now()))
        });
        match seen {
            None => return Err(superseded(shared)),
            Some(updates) if !updates.is_empty() => return Ok(Value::Array(updates)),
            Some(_) => {}
        }
        tokio::select! {
            biased;
            changed = changes.changed() => if changed.is_err() { return Err(Refusal::restarting()) },
            () = tokio::time::sleep_until(deadline) => return Ok(Value::Array(Vec::new())),
        }
    }
}

fn begin(world: &mut World, now: i64, params: &Params) -> Result<Begun, Refusal> {
    if world.webhook.is_some() {
        return Err(Refusal::webhook_active());
    }
    if let Some(kinds) = params
        .json("allowed_updates")
        .as_ref()
        .and_then(Value::as_array)
    {
        world.updates.allow(
            kinds
                .iter()
                .filter_map(|kind| kind.as_str().map(str::to_owned))
                .collect(),
        );
    }
    let offset = params.int("offset").unwrap_or(0);
    let seconds = u64::try_from(params.int("timeout").unwrap_or(0)).unwrap_or(0);
    let mut wait = Duration::from_secs(seconds).min(LONGEST_WAIT);
    let mut limit = usize::try_from(params.int("limit").unwrap_or(100))
        .unwrap_or(100)
        .clamp(1, 100);
    if world.poll.last_offset == Some(offset) {
        let since = now.saturating_sub(world.poll.last_at);
        if since < PENALTY_MS {
            wait = wait.max(PENALTY);
        }
        if since < AT_ONCE_MS {
            limit = 1;
        }
    }
    world.poll.last_offset = Some(offset);
    world.poll.last_at = now;
    world.updates.confirm(offset, now);
    let first = world.updates.first(limit, now);
    if first.is_empty() && !wait.is_zero() {
        world.poll.turn += 1;
        world.poll.waiting = true;
        world.poll.ended_by = Ended::OtherPoller;
    }
    Ok(Begun {
        turn: world.poll.turn,
        limit,
        wait,
        first,
    })
}

fn superseded(shared: &Shared) -> Refusal {
    let now = shared.clock.now();
    shared.peek(|world| {
        let refusal = match world.poll.ended_by {
            Ended::OtherPoller => Refusal::other_poller(),
            Ended::Webhook => Refusal::webhook_was_set(),
            Ended::Revoked => return Refusal::unauthorized(),
        };
        if now >= world.poll.conflict_free_from {
            world.poll.conflict_free_from = now.saturating_add(PENALTY_MS);
            return refusal;
        }
        refusal.after(PENALTY)
    })
}

/// Says that nobody waits any more, also when the caller has gone away.
struct Turn {
    shared: Arc<Shared>,
    turn: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.change(|world| {
            if world.poll.turn == self.turn {
                world.poll.waiting = false;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_api::{FakeClock, FakeConfig};

    #[test]
    fn of_several_conflicts_within_3_seconds_all_but_the_first_come_late() {
        let clock = FakeClock::manual(1_000_000);
        let shared = Shared::new(FakeConfig {
            clock,
            ..FakeConfig::default()
        });
        assert_eq!(superseded(&shared).delay, Duration::ZERO);
        shared.clock.advance(Duration::from_millis(2_999));
        assert_eq!(superseded(&shared).delay, PENALTY);
        shared.clock.advance(Duration::from_millis(1));
        assert_eq!(superseded(&shared).delay, Duration::ZERO);
    }
}
