//! Open cards say how much time is left; at whole hours before the end, half an hour and a quarter of an hour before it
//! that is said anew. Edits make no sound, and go out when there is nothing better to send.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mikro2fa_core::{
    directory::{PageOf, SessionFilter},
    engine::EngineEvent,
    id::SessionId,
    session::{Session, SessionState, StateName},
    store::StoreError,
    time::Timestamp,
};
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

use crate::office::Office;

const HOUR: Duration = Duration::from_secs(3_600);
/// Where it is said anew within the last hour. Never in the last five minutes: a reader would see it change.
const WITHIN_THE_LAST_HOUR: [Duration; 2] = [Duration::from_secs(1_800), Duration::from_secs(900)];
/// With more open sessions than this their edits alone would be more than Telegram takes: nothing is counted down.
const MOST: usize = 10_000;
/// Read at once when it begins.
const PAGE: usize = 500;

/// When each open session's card is due.
#[derive(Debug, Default)]
struct Due {
    of: BTreeMap<SessionId, Timestamp>,
    by_time: BTreeSet<(Timestamp, SessionId)>,
}

impl Due {
    fn set(&mut self, id: SessionId, at: Option<Timestamp>) {
        if let Some(old) = self.of.remove(&id) {
            self.by_time.remove(&(old, id));
        }
        if let Some(at) = at {
            self.of.insert(id, at);
            self.by_time.insert((at, id));
        }
    }

    fn took(&mut self, session: &Session, now: Timestamp) {
        let at = match &session.state {
            SessionState::Active { access, .. } => next(access.expires_at, now),
            _ => None,
        };
        self.set(session.id, at);
    }

    fn next(&self) -> Option<Timestamp> {
        let quiet = self.of.len() > MOST;
        self.by_time.first().map(|(at, _)| *at).filter(|_| !quiet)
    }
}

/// The next time after `now` at which what is left until `end` is said anew.
fn next(end: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let left = end.since(now);
    let hours = left
        .as_millis()
        .div_ceil(HOUR.as_millis())
        .saturating_sub(1);
    let before = match u32::try_from(hours) {
        Ok(hours @ 1..) => HOUR.saturating_mul(hours),
        _ => WITHIN_THE_LAST_HOUR.into_iter().find(|mark| *mark < left)?,
    };
    Some(end - before)
}

/// Runs as long as the bot does.
pub(crate) async fn run(office: &Office) {
    let mut events = office.engine.subscribe();
    let mut due = read(office).await;
    loop {
        let at = due.next();
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(EngineEvent::Session(session)) => due.took(&session, office.now()),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => due = read(office).await,
                Err(RecvError::Closed) => return std::future::pending().await,
            },
            () = office.courier.clock.sleep_until(at.unwrap_or(Timestamp::MAX)), if at.is_some() => {
                let now = office.now();
                while let Some((at, id)) = due.by_time.first().copied().filter(|(at, _)| *at <= now) {
                    due.set(id, None);
                    // Whether it is still open is the engine's to know; its next change sets the time after this.
                    if let Err(error) = office.engine.refresh_card(id).await {
                        debug!(%error, ?at, "a card's time stays as it is");
                    }
                }
            }
        }
    }
}

async fn read(office: &Office) -> Due {
    let mut due = Due::default();
    match active(office).await {
        Ok(sessions) => {
            let now = office.now();
            sessions.iter().for_each(|session| due.took(session, now));
        }
        Err(error) => debug!(%error, "open sessions are counted down from their next change"),
    }
    due
}

async fn active(office: &Office) -> Result<Vec<Session>, StoreError> {
    let filter = SessionFilter {
        state: Some(StateName::Active),
        open: true,
        ..SessionFilter::default()
    };
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = PageOf { after, limit: PAGE };
        let found = office.courier.directory.sessions(&filter, &page).await?;
        all.extend(found.rows);
        after = found.next;
        if after.is_none() || all.len() > MOST {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_then_half_and_a_quarter_and_then_nothing() {
        let minutes = |n: i64| Timestamp(n * 60_000);
        let end = minutes(1_000);
        let mut now = minutes(1_000 - 150);
        let mut said = Vec::new();
        while let Some(at) = next(end, now) {
            assert!(at > now, "{at:?}");
            said.push(end.since(at).as_secs() / 60);
            now = at;
        }
        assert_eq!(said, [120, 60, 30, 15]);
        assert_eq!(next(end, minutes(1_001)), None);
    }
}
