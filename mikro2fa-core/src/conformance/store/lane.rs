//! Lanes: what must not overtake what, and which message is changed next.

use super::{StoreBench, World, outbox::ids};
use crate::{
    conformance::sample::{HOUR, MINUTE, NOW, card_of, inform, row},
    id::SessionId,
    notifier::{Card, Delivery},
    store::{Lane, OutboxRow, Priority, Receipt, Sent},
};

impl World {
    /// A message to the user, told from others by `count`.
    fn told(&self, count: u16) -> OutboxRow {
        let owner = self.whose.owner;
        row(
            self.ids.outbox(),
            Lane::user(owner),
            Priority::Info,
            inform(owner, count),
        )
    }

    /// What the card of a session shows.
    fn card(&self, session: SessionId, card: Card) -> OutboxRow {
        row(
            self.ids.outbox(),
            Lane::card(session),
            Priority::Info,
            card_of(self.whose.owner, session, card, Delivery::Edit),
        )
    }
}

/// Messages of one lane go out one after the other, in the order in which they were committed, whatever their ids:
/// two of one millisecond are in no order.
pub async fn messages_of_a_lane_keep_their_order(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut rows: Vec<_> = (0..4).map(|count| world.told(count)).collect();
    rows.reverse();
    world.send_all(&rows[..3]).await;
    world.send_all(&rows[3..]).await;
    for expected in &rows {
        let claimed = world.claim(NOW).await;
        assert_eq!(ids(&claimed), [expected.id], "one at a time, in order");
        assert_eq!(world.claim(NOW).await, [], "the next waits for this one");
        let receipt = Receipt("1".into());
        world.settle(expected.id, Sent::Delivered(receipt)).await;
    }
}

/// A more urgent message does not overtake what was said before in its lane.
pub async fn nothing_overtakes_in_its_lane(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let first = world.told(1);
    let mut urgent = world.told(2);
    urgent.priority = Priority::Question;
    world.send_all(&[first.clone(), urgent]).await;
    assert_eq!(ids(&world.claim(NOW).await), [first.id]);
}

/// A lane waits for its message that is to be tried again.
pub async fn a_lane_waits_for_what_is_tried_again(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let rows = [world.told(1), world.told(2)];
    world.send_all(&rows).await;
    world.claim(NOW).await;
    let later = Sent::Later {
        due: NOW + MINUTE,
        reason: "slow down".into(),
    };
    world.settle(rows[0].id, later).await;
    assert_eq!(world.claim(NOW).await, []);
    assert_eq!(ids(&world.claim(NOW + MINUTE).await), [rows[0].id]);
}

/// A lane goes on after what was given up.
pub async fn a_lane_goes_on_after_what_was_given_up(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let rows = [world.told(1), world.told(2)];
    world.send_all(&rows).await;
    world.claim(NOW).await;
    let dead = Sent::Dead {
        reason: "message is too long".into(),
    };
    world.settle(rows[0].id, dead).await;
    assert_eq!(ids(&world.claim(NOW).await), [rows[1].id]);
}

/// One lane holds up no other.
pub async fn lanes_do_not_wait_for_each_other(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let (told, alone) = (world.told(1), world.alone(Priority::Info));
    world.send(&told).await;
    assert_eq!(ids(&world.claim(NOW).await), [told.id]);
    world.send_all(&[alone.clone(), world.told(2)]).await;
    assert_eq!(ids(&world.claim(NOW).await), [alone.id]);
}

/// The receipt of a lane's last message is given with its next: with none before, with the last that was delivered
/// after, whatever became of those in between.
pub async fn the_receipt_comes_with_the_next_of_its_lane(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let outcomes = [
        (None, Sent::Delivered(Receipt("11".into()))),
        (Some("11"), Sent::Useless),
        (
            Some("11"),
            Sent::Dead {
                reason: "refused".into(),
            },
        ),
        (Some("11"), Sent::Delivered(Receipt("12".into()))),
        (Some("12"), Sent::Useless),
    ];
    let rows: Vec<_> = (0..5).map(|count| world.told(count)).collect();
    world.send_all(&rows).await;
    for (previous, sent) in outcomes {
        let claimed = world.claim(NOW).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(
            claimed[0].previous,
            previous.map(|text| Receipt(text.into()))
        );
        world.settle(claimed[0].id, sent).await;
    }
    let alone = world.alone(Priority::Info);
    world.send(&alone).await;
    let claimed = world.claim(NOW).await;
    assert_eq!(claimed[0].previous, None, "another lane has its own");
}

/// A later message of a card replaces one that was not sent; other cards and other lanes keep theirs.
pub async fn a_later_card_replaces_one_not_sent(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let (session, other) = (world.ids.session(), world.ids.session());
    let rows = [
        world.card(session, Card::Preparing),
        world.card(other, Card::Preparing),
        world.card(session, Card::ConnectNow { until: NOW + HOUR }),
        world.told(1),
        world.told(2),
    ];
    world.send_all(&rows[..2]).await;
    world.send_all(&rows[2..]).await;
    let mut claimed = ids(&world.claim(NOW).await);
    claimed.sort();
    assert_eq!(claimed, [rows[1].id, rows[2].id, rows[3].id]);
    for id in claimed {
        world.settle(id, Sent::Useless).await;
    }
    assert_eq!(
        ids(&world.claim(NOW).await),
        [rows[4].id],
        "what was replaced does not come back, what is no card is all said"
    );
}

/// What is just being sent is not replaced: the later message of its card waits, and gets its receipt.
pub async fn a_card_that_is_being_sent_is_not_replaced(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.ids.session();
    let first = world.card(session, Card::Preparing);
    world.send(&first).await;
    assert_eq!(ids(&world.claim(NOW).await), [first.id]);
    let later = world.card(session, Card::Opening);
    world.send(&later).await;
    assert_eq!(world.claim(NOW).await, [], "one at a time");
    let receipt = Receipt("5".into());
    world
        .settle(first.id, Sent::Delivered(receipt.clone()))
        .await;
    let claimed = world.claim(NOW).await;
    assert_eq!(ids(&claimed), [later.id]);
    assert_eq!(claimed[0].previous, Some(receipt));
}

/// A card that was to be tried again is replaced by a later one, which need not wait as long.
pub async fn a_card_to_be_tried_again_is_replaced(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let session = world.ids.session();
    let first = world.card(session, Card::Preparing);
    world.send(&first).await;
    world.claim(NOW).await;
    let again = Sent::Later {
        due: NOW + HOUR,
        reason: "slow down".into(),
    };
    world.settle(first.id, again).await;
    let later = world.card(session, Card::Opening);
    world.send(&later).await;
    assert_eq!(ids(&world.claim(NOW).await), [later.id]);
    world.settle(later.id, Sent::Useless).await;
    assert_eq!(world.claim(NOW + HOUR).await, []);
}
