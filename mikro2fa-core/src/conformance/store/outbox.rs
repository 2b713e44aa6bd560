//! Messages: claimed by one, in their order, and what became of them.

use std::collections::BTreeSet;

use super::{StoreBench, World};
use crate::{
    conformance::{
        ok,
        sample::{HOUR, MINUTE, NOW, SECOND, alert, inform, question, row},
    },
    id::OutboxId,
    store::{Claim, Lane, OutboxRow, Priority, Sent},
    time::Timestamp,
};

impl World {
    /// A message in a lane of its own.
    pub(super) fn alone(&self, priority: Priority) -> OutboxRow {
        let id = self.ids.outbox();
        row(id, Lane::alert(&id.to_string()), priority, alert("alone"))
    }

    pub(super) async fn settle(&self, id: OutboxId, sent: Sent) {
        let settled = self.store.settle_outbox(self.node, &[(id, sent)]).await;
        ok(settled, "settle a message");
    }

    async fn due(&self) -> Option<Timestamp> {
        ok(self.store.outbox_due().await, "ask when a message is due")
    }
}

pub(super) fn ids(rows: &[OutboxRow]) -> Vec<OutboxId> {
    rows.iter().map(|row| row.id).collect()
}

/// A message comes out as it went in.
pub async fn a_message_comes_out_as_it_went_in(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.ids.session();
    let mut asked = row(
        world.ids.outbox(),
        Lane::card(session),
        Priority::Question,
        question(world.whose.owner, session, world.ids.challenge()),
    );
    asked.useless_after = Some(NOW + HOUR);
    let told = row(
        world.ids.outbox(),
        Lane::user(world.whose.owner),
        Priority::Info,
        inform(world.whose.owner, 7),
    );
    let alerted = world.alone(Priority::Least);
    let rows = [asked, told, alerted];
    world.send_all(&rows).await;
    assert_eq!(world.claim(NOW).await, rows);
}

/// A message that was claimed comes to nobody else until the claim is over, and then it does.
pub async fn a_message_comes_to_one_node_until_its_claim_is_over(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let message = world.alone(Priority::Info);
    world.send(&message).await;
    let claim = Claim {
        node: world.node,
        at_most: 10,
        until: NOW + MINUTE,
        now: NOW,
    };
    let claimed = ok(world.store.claim_outbox(&claim).await, "claim");
    assert_eq!(ids(&claimed), [message.id]);
    let other = world.ids.node();
    let almost = NOW + MINUTE - SECOND;
    assert_eq!(world.claim_by(other, 10, almost).await, []);
    assert_eq!(world.claim_by(world.node, 10, almost).await, []);
    let taken = world.claim_by(other, 10, NOW + MINUTE).await;
    assert_eq!(ids(&taken), [message.id], "whoever claimed it has died");
}

/// Two claims at the same time never share a message, and together they miss none.
pub async fn two_claims_never_share_a_message(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let rows: Vec<_> = (0..60).map(|_| world.alone(Priority::Info)).collect();
    world.send_all(&rows).await;
    let other = world.ids.node();
    let mut claimed = Vec::new();
    for _ in 0..4 {
        let (ours, theirs) = futures_util::join!(
            world.claim_by(world.node, 10, NOW),
            world.claim_by(other, 10, NOW)
        );
        assert!(ours.len() <= 10 && theirs.len() <= 10, "at most ten each");
        claimed.extend(ids(&ours));
        claimed.extend(ids(&theirs));
    }
    let unique: BTreeSet<_> = claimed.iter().collect();
    assert_eq!(unique.len(), claimed.len(), "no message came twice");
    assert_eq!(unique.len(), rows.len(), "every message came");
}

/// The highest priority goes first; of one priority, what is due first.
pub async fn the_highest_priority_goes_first(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let ranks = [
        Priority::Least,
        Priority::Info,
        Priority::Reply,
        Priority::Reminder,
        Priority::Closing,
        Priority::Question,
    ];
    let mut rows: Vec<_> = ranks.map(|priority| world.alone(priority)).into();
    let mut late = world.alone(Priority::Question);
    late.due = NOW + SECOND;
    rows.insert(0, late);
    world.send_all(&rows).await;
    let now = NOW + MINUTE;
    let first = world.claim_by(world.node, 3, now).await;
    assert_eq!(ids(&first), [rows[6].id, rows[0].id, rows[5].id]);
    let rest = world.claim_by(world.node, 10, now).await;
    assert_eq!(ids(&rest), [rows[4].id, rows[3].id, rows[2].id, rows[1].id]);
}

/// Nothing goes before it is due.
pub async fn nothing_goes_before_it_is_due(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut message = world.alone(Priority::Info);
    message.due = NOW + MINUTE;
    world.send(&message).await;
    assert_eq!(world.claim(NOW + MINUTE - SECOND).await, []);
    assert_eq!(world.claim(NOW + MINUTE).await.len(), 1);
}

/// What is past its use is dropped unsent, and holds up nobody.
pub async fn what_is_past_its_use_is_dropped(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let lane = Lane::user(world.whose.owner);
    let message = |useless_after| {
        let notice = inform(world.whose.owner, 1);
        let mut message = row(world.ids.outbox(), lane.clone(), Priority::Info, notice);
        message.useless_after = useless_after;
        message
    };
    let rows = [
        message(Some(NOW + SECOND)),
        message(Some(NOW + MINUTE)),
        message(None),
    ];
    world.send_all(&rows).await;
    let claimed = world.claim(NOW + MINUTE).await;
    assert_eq!(ids(&claimed), [rows[1].id], "good until its last moment");
    world.settle(rows[1].id, Sent::Useless).await;
    let claimed = world.claim(NOW + MINUTE).await;
    assert_eq!(ids(&claimed), [rows[2].id]);
}

/// What is to be tried again comes when it is due, and says how often it was tried.
pub async fn what_is_to_be_tried_later_comes_again(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let message = world.alone(Priority::Info);
    world.send(&message).await;
    for attempt in 0..3 {
        let now = NOW + MINUTE * attempt;
        let claimed = world.claim(now).await;
        let tried: Vec<_> = claimed.iter().map(|row| (row.id, row.attempt)).collect();
        assert_eq!(tried, [(message.id, attempt)]);
        let later = Sent::Later {
            due: now + MINUTE,
            reason: "slow down".into(),
        };
        world.settle(message.id, later).await;
        assert_eq!(world.claim(now + SECOND).await, [], "not yet");
    }
}

/// What was delivered, is useless, or was given up, never comes again.
pub async fn what_is_settled_never_comes_again(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let outcomes = [
        Sent::Delivered(crate::store::Receipt("7".into())),
        Sent::Useless,
        Sent::Dead {
            reason: "chat not found".into(),
        },
    ];
    for sent in outcomes {
        let message = world.alone(Priority::Info);
        world.send(&message).await;
        assert_eq!(ids(&world.claim(NOW).await), [message.id]);
        world.settle(message.id, sent.clone()).await;
        assert_eq!(world.claim(NOW + 10 * HOUR).await, [], "after {sent:?}");
        assert_eq!(world.due().await, None, "after {sent:?}");
    }
}

/// Settling what nobody knows is no error: it may have been dropped meanwhile.
pub async fn settling_what_is_not_there_is_no_error(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    world.settle(world.ids.outbox(), Sent::Useless).await;
    assert_eq!(world.due().await, None);
}

/// It is told when the next message can go: none while there is none, and not for what somebody is just sending.
pub async fn it_is_told_when_the_next_message_is_due(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    assert_eq!(world.due().await, None, "no message");
    let mut rows = [world.alone(Priority::Info), world.alone(Priority::Question)];
    rows[0].due = NOW + MINUTE;
    rows[1].due = NOW + HOUR;
    world.send_all(&rows).await;
    assert_eq!(world.due().await, Some(NOW + MINUTE), "the earliest");
    assert_eq!(world.claim(NOW + MINUTE).await.len(), 1);
    assert_eq!(
        world.due().await,
        Some(NOW + HOUR),
        "the other one: the first is under way"
    );
}

/// If whoever claimed a message dies, it is due when the claim is over: a start has to find that out by asking.
pub async fn a_lapsed_claim_is_due_again(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let message = world.alone(Priority::Question);
    world.send(&message).await;
    let claim = Claim {
        node: world.node,
        at_most: 10,
        until: NOW + MINUTE,
        now: NOW,
    };
    ok(world.store.claim_outbox(&claim).await, "claim");
    let due = world.due().await;
    assert!(
        due.is_some_and(|due| due <= NOW + MINUTE),
        "it is due again when the claim is over at the latest, not {due:?}"
    );
}

/// A message behind another of its lane is not due before that one is out of the way.
pub async fn what_waits_for_its_lane_is_not_due(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let lane = Lane::user(world.whose.owner);
    let rows: Vec<_> = (0..2)
        .map(|count| {
            let notice = inform(world.whose.owner, count);
            row(world.ids.outbox(), lane.clone(), Priority::Info, notice)
        })
        .collect();
    world.send_all(&rows).await;
    assert_eq!(world.claim(NOW).await.len(), 1);
    let due = world.due().await;
    assert!(
        due.is_none_or(|due| due > NOW),
        "the second of a lane cannot go now, so it is not due now: {due:?}"
    );
    let later = Sent::Later {
        due: NOW + MINUTE,
        reason: "slow down".into(),
    };
    world.settle(rows[0].id, later).await;
    assert_eq!(world.due().await, Some(NOW + MINUTE));
}
