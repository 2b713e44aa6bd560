use std::sync::Arc;

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::*;
use crate::{
    id::RouterId,
    notifier::{Question, QuestionKind, Remark, Subject},
    testing::ManualClock,
    tunnel::Service,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const ANN: UserId = UserId::from_uuid(Uuid::from_u128(1));
const SESSION: SessionId = SessionId::from_uuid(Uuid::from_u128(2));
const CHALLENGE: ChallengeId = ChallengeId::from_uuid(Uuid::from_u128(3));

fn notifier() -> (ManualClock, RecordingNotifier) {
    let clock = ManualClock::new(NOW);
    let notifier = RecordingNotifier::new(Arc::new(clock.clone()));
    (clock, notifier)
}

fn subject() -> Subject {
    Subject {
        session: Some(SESSION),
        router_id: Some(RouterId::from_uuid(Uuid::from_u128(4))),
        ..Subject::default()
    }
}

fn card(card: Card, delivery: Delivery) -> Notice {
    Notice::Card {
        user: ANN,
        card,
        delivery,
        subject: subject(),
    }
}

fn question() -> Notice {
    let question = Question {
        challenge: CHALLENGE,
        kind: QuestionKind::Requested,
        caller: None,
        service: Service::L2tp,
        at: NOW,
        deadline: NOW,
        first_time: false,
        early: false,
        remark: Remark::None,
        trial: false,
    };
    card(Card::Question(question), Delivery::Move)
}

impl RecordingNotifier {
    async fn say(&self, notice: Notice, previous: Option<Receipt>) -> Option<Receipt> {
        let id = OutboxId::from_uuid(Uuid::from_u128(9));
        self.deliver(id, &notice, previous).await.ok()
    }
}

#[tokio::test]
async fn a_question_stands_until_its_card_shows_something_else() {
    let (_, notifier) = notifier();
    let receipt = notifier.say(question(), None).await;
    assert_eq!(notifier.questions(), [(SESSION, CHALLENGE)]);
    assert_eq!(notifier.question_to(ANN), Some((SESSION, CHALLENGE)));
    notifier
        .say(card(Card::Opening, Delivery::Edit), receipt)
        .await;
    assert_eq!(notifier.questions(), []);
    assert_eq!(notifier.card(SESSION), Some(Card::Opening));
    assert_eq!(notifier.cards(SESSION).len(), 2);
    let manners: Vec<_> = notifier
        .delivered()
        .iter()
        .map(|delivered| (delivered.manner, delivered.sound))
        .collect();
    assert_eq!(manners, [(Manner::Sent, true), (Manner::Edited, false)]);
}

#[tokio::test]
async fn faults_come_one_after_the_other_and_show_nothing() {
    let (clock, notifier) = notifier();
    notifier.next_delivery(DeliveryFault::Refused("too long".into()));
    notifier.next_delivery(DeliveryFault::Unavailable);
    notifier.next_delivery(DeliveryFault::Unknown { sent: false });
    for _ in 0..3 {
        assert_eq!(notifier.say(question(), None).await, None);
    }
    notifier.away_until(NOW + Duration::from_secs(1));
    assert_eq!(notifier.say(question(), None).await, None);
    assert_eq!(notifier.chat(ANN), []);
    clock.advance_to(NOW + Duration::from_secs(1));
    assert!(notifier.say(question(), None).await.is_some());
}

#[tokio::test]
async fn somebody_waits_for_what_is_said() {
    let (_, notifier) = notifier();
    let mut waiting = std::pin::pin!(notifier.wait_for(|notifier| notifier.question_to(ANN)));
    assert_eq!((&mut waiting).now_or_never(), None);
    notifier
        .say(card(Card::Preparing, Delivery::Edit), None)
        .await;
    assert_eq!(
        (&mut waiting).now_or_never(),
        None,
        "not what was waited for"
    );
    notifier.say(question(), None).await;
    assert_eq!(waiting.await, (SESSION, CHALLENGE));
}
