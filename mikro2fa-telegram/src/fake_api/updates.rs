//! The queue of updates that a bot has not confirmed yet.

use std::collections::VecDeque;

use serde_json::{Value, json};

/// A message is kept for 24 h, a tap for 150 s (`Client.cpp`, `add_update`).
const MESSAGE_LIFE_MS: i64 = 24 * 3600 * 1000;
const TAP_LIFE_MS: i64 = 150 * 1000;

/// An offset this far above the newest id belongs to another run of ids (`tdlib/td`, `TQueue`).
const FUTURE: i64 = 10;

#[derive(Clone, Debug)]
struct Queued {
    id: i64,
    body: Value,
    expires_at: i64,
}

#[derive(Debug)]
pub(super) struct Updates {
    queue: VecDeque<Queued>,
    next_id: i64,
    /// Kinds the bot asked for; `None` = all that are sent without asking.
    allowed: Option<Vec<String>>,
    expired: u64,
}

impl Updates {
    pub(super) fn new(first_id: i64) -> Self {
        Self {
            queue: VecDeque::new(),
            next_id: first_id,
            allowed: None,
            expired: 0,
        }
    }

    /// Queues one update of `kind`; `None` if the bot did not ask for that kind.
    pub(super) fn push(&mut self, kind: &str, body: Value, now: i64) -> Option<i64> {
        if self
            .allowed
            .as_ref()
            .is_some_and(|kinds| !kinds.iter().any(|k| k == kind))
        {
            return None;
        }
        let life = if kind == "callback_query" {
            TAP_LIFE_MS
        } else {
            MESSAGE_LIFE_MS
        };
        let id = self.next_id;
        self.next_id += 1;
        let body = json!({ "update_id": id, kind: body });
        self.queue.push_back(Queued {
            id,
            body,
            expires_at: now.saturating_add(life),
        });
        Some(id)
    }

    /// Queues an update as it is, whatever it holds.
    pub(super) fn push_raw(&mut self, mut body: Value, now: i64) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(map) = body.as_object_mut() {
            map.insert("update_id".into(), json!(id));
        }
        self.queue.push_back(Queued {
            id,
            body,
            expires_at: now.saturating_add(MESSAGE_LIFE_MS),
        });
        id
    }

    pub(super) fn allow(&mut self, kinds: Vec<String>) {
        self.allowed = (!kinds.is_empty()).then_some(kinds);
    }

    /// Forgets what is below `offset`; a negative one keeps the last so many; one that is far above every id, as it is when
    /// ids have begun lower again, confirms nothing.
    pub(super) fn confirm(&mut self, offset: i64, now: i64) {
        self.expire(now);
        if offset < 0 {
            let keep = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
            let drop = self.queue.len().saturating_sub(keep);
            self.queue.drain(..drop);
        } else if offset <= self.next_id + FUTURE {
            self.queue.retain(|queued| queued.id >= offset);
        }
    }

    /// The oldest `limit` updates. They stay until they are confirmed.
    pub(super) fn first(&mut self, limit: usize, now: i64) -> Vec<Value> {
        self.expire(now);
        self.queue
            .iter()
            .take(limit)
            .map(|queued| queued.body.clone())
            .collect()
    }

    pub(super) fn expire(&mut self, now: i64) {
        let before = self.queue.len();
        self.queue.retain(|queued| queued.expires_at > now);
        self.expired += u64::try_from(before - self.queue.len()).unwrap_or(0);
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn expired(&self) -> u64 {
        self.expired
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    /// Ids go on from `next` (after a quiet week the real server starts anywhere).
    pub(super) fn continue_from(&mut self, next: i64) {
        self.next_id = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(updates: &mut Updates, now: i64) -> Vec<i64> {
        updates
            .first(100, now)
            .iter()
            .map(|u| u["update_id"].as_i64().unwrap())
            .collect()
    }

    #[test]
    fn an_update_stays_until_it_is_confirmed() {
        let mut updates = Updates::new(7);
        updates.push("message", json!({}), 0);
        updates.push("callback_query", json!({}), 0);
        assert_eq!(ids(&mut updates, 0), [7, 8]);
        updates.confirm(0, 0);
        assert_eq!(ids(&mut updates, 0), [7, 8]);
        updates.confirm(8, 0);
        assert_eq!(ids(&mut updates, 0), [8]);
    }

    #[test]
    fn a_tap_lives_150_seconds_and_a_message_a_day() {
        let mut updates = Updates::new(1);
        updates.push("message", json!({}), 0);
        updates.push("callback_query", json!({}), 0);
        assert_eq!(ids(&mut updates, 149_999), [1, 2]);
        assert_eq!(ids(&mut updates, 150_000), [1]);
        assert_eq!(ids(&mut updates, 24 * 3_600_000), [0_i64; 0]);
        assert_eq!(updates.expired(), 2);
    }

    #[test]
    fn a_negative_offset_keeps_the_last_ones() {
        let mut updates = Updates::new(1);
        (0..5).for_each(|_| {
            updates.push("message", json!({}), 0);
        });
        updates.confirm(-2, 0);
        assert_eq!(ids(&mut updates, 0), [4, 5]);
    }

    #[test]
    fn an_offset_from_before_ids_began_lower_confirms_nothing() {
        let mut updates = Updates::new(900);
        updates.push("message", json!({}), 0);
        updates.confirm(901, 0);
        updates.continue_from(3);
        updates.push("message", json!({}), 0);
        updates.confirm(901, 0);
        assert_eq!(ids(&mut updates, 0), [3]);
        updates.confirm(4, 0);
        assert_eq!(updates.len(), 0);
    }

    #[test]
    fn kinds_that_were_not_asked_for_are_not_queued() {
        let mut updates = Updates::new(1);
        updates.allow(vec!["message".to_owned()]);
        assert_eq!(updates.push("callback_query", json!({}), 0), None);
        assert_eq!(updates.push("message", json!({}), 0), Some(1));
    }
}
