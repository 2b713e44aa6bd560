//! The contract of [`Notifier`]: one message is changed, moved or said once, and trouble has a name.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    conformance::{
        ok,
        sample::{HOUR, Ids, NOW, alert, card_of, inform, question},
        some,
    },
    id::{ChallengeId, SessionId, UserId},
    notifier::{Card, Delivery, Notice, Notifier, NotifierError},
    retry::Retry,
    store::Receipt,
};

/// One message as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMessage {
    /// What names it in its chat.
    pub number: i64,
    /// What it says; compared, and never understood.
    pub text: String,
}

/// A messenger with empty chats, and what may happen to it.
#[async_trait]
pub trait NotifierBench: Send + Sync {
    /// The notifier that is tested.
    fn notifier(&self) -> Arc<dyn Notifier>;

    /// A user who can be written to.
    fn user(&self) -> UserId;

    /// A user who has no chat with us.
    fn stranger(&self) -> UserId;

    /// What stands in the user's chat, oldest first.
    async fn chat(&self) -> Vec<ReadMessage>;

    /// What stands in an operator's chat, oldest first.
    async fn operators_chat(&self) -> Vec<ReadMessage>;

    /// How often the user's phone has made a sound.
    async fn sounds(&self) -> usize;

    /// The user deletes everything in the chat.
    async fn clear_chat(&self);

    /// The user blocks us, or takes that back.
    async fn block(&self, blocked: bool);

    /// The next call is refused: too fast, not before this has gone by.
    async fn slow_down(&self, pause: Duration);

    /// The messenger cannot be reached, or can again.
    async fn cut_off(&self, off: bool);

    /// The reply to the next call is lost; the call was done or not. Says whether it can do that.
    async fn lose_next_reply(&self, done: bool) -> bool;
}

struct Said<'a, B> {
    bench: &'a B,
    notifier: Arc<dyn Notifier>,
    ids: Ids,
    user: UserId,
    session: SessionId,
    challenge: ChallengeId,
}

impl<'a, B: NotifierBench> Said<'a, B> {
    fn new(bench: &'a B) -> Self {
        let ids = Ids::default();
        Self {
            bench,
            notifier: bench.notifier(),
            user: bench.user(),
            session: ids.session(),
            challenge: ids.challenge(),
            ids,
        }
    }

    fn card(&self, card: Card, delivery: Delivery) -> Notice {
        card_of(self.user, self.session, card, delivery)
    }

    fn question(&self) -> Notice {
        question(self.user, self.session, self.challenge)
    }

    async fn try_say(
        &self,
        notice: &Notice,
        previous: Option<&Receipt>,
    ) -> Result<Receipt, NotifierError> {
        let id = self.ids.outbox();
        self.notifier.deliver(id, notice, previous.cloned()).await
    }

    async fn say(&self, notice: &Notice, previous: Option<&Receipt>) -> Receipt {
        ok(self.try_say(notice, previous).await, "deliver a message")
    }

    /// The one message in the user's chat.
    async fn only(&self) -> ReadMessage {
        let mut chat = self.bench.chat().await;
        assert_eq!(chat.len(), 1, "one message stands for a session: {chat:?}");
        some(chat.pop(), "message")
    }
}

/// What is delivered can be read, and says different things for different cards.
pub async fn what_is_delivered_can_be_read(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    said.say(&said.question(), None).await;
    let read = said.only().await;
    assert!(!read.text.is_empty());
    assert_eq!(bench.sounds().await, 1, "a question makes a sound");
}

/// With a receipt an edited card changes that very message, without sound.
pub async fn an_edit_changes_the_message_without_sound(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let asked = said.say(&said.question(), None).await;
    let before = said.only().await;
    let changed = said.card(Card::Opening, Delivery::Edit);
    let receipt = said.say(&changed, Some(&asked)).await;
    let after = said.only().await;
    assert_eq!(after.number, before.number, "the same message");
    assert_ne!(after.text, before.text, "says something else");
    assert_eq!(bench.sounds().await, 1, "no sound but the question's");
    let over = said.card(Card::ConnectNow { until: NOW + HOUR }, Delivery::Edit);
    said.say(&over, Some(&receipt)).await;
    let last = said.only().await;
    assert_eq!(last.number, before.number, "its receipt is good, too");
    assert_ne!(last.text, after.text);
}

/// An edit where there is no message yet is sent, silently.
pub async fn an_edit_without_a_message_is_sent_silently(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let shown = said.card(Card::Opening, Delivery::Edit);
    said.say(&shown, None).await;
    said.only().await;
    assert_eq!(bench.sounds().await, 0);
}

/// A moved card is a new message with sound, and the old one goes.
pub async fn a_moved_card_takes_the_old_ones_place(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let preparing = said.card(Card::Preparing, Delivery::MoveSilently);
    let receipt = said.say(&preparing, None).await;
    let before = said.only().await;
    said.say(&inform(said.user, 1), None).await;
    let sounds = bench.sounds().await;
    said.say(&said.question(), Some(&receipt)).await;
    let chat = bench.chat().await;
    assert_eq!(chat.len(), 2, "the old message has gone: {chat:?}");
    let last = some(chat.last(), "message");
    assert!(last.number > before.number, "below all others: {chat:?}");
    assert_eq!(bench.sounds().await, sounds + 1);
}

/// A card that is moved silently makes no sound.
pub async fn a_silent_move_makes_no_sound(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let preparing = said.card(Card::Preparing, Delivery::MoveSilently);
    let receipt = said.say(&preparing, None).await;
    let before = said.only().await;
    let opening = said.card(Card::Opening, Delivery::MoveSilently);
    said.say(&opening, Some(&receipt)).await;
    assert!(said.only().await.number > before.number, "a new message");
    assert_eq!(bench.sounds().await, 0);
}

/// The same content twice is no error.
pub async fn the_same_content_twice_is_no_error(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let shown = said.card(Card::Opening, Delivery::Edit);
    let first = said.say(&shown, None).await;
    let before = said.only().await;
    let second = said.say(&shown, Some(&first)).await;
    assert_eq!(said.only().await, before);
    said.say(&shown, Some(&second)).await;
    assert_eq!(said.only().await, before);
}

/// A message that has gone is sent anew, edited or moved.
pub async fn a_message_that_has_gone_is_sent_anew(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let mut receipt = said.say(&said.question(), None).await;
    for delivery in [Delivery::Edit, Delivery::MoveSilently, Delivery::Move] {
        bench.clear_chat().await;
        assert_eq!(bench.chat().await, []);
        let shown = said.card(Card::Opening, delivery);
        receipt = said.say(&shown, Some(&receipt)).await;
        said.only().await;
    }
    let shown = said.card(Card::Preparing, Delivery::Edit);
    let before = said.only().await;
    said.say(&shown, Some(&receipt)).await;
    assert_eq!(
        said.only().await.number,
        before.number,
        "the new receipt names the new message"
    );
}

/// A receipt that nobody can read is no receipt: the message is sent.
pub async fn an_unreadable_receipt_is_none(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    for nonsense in ["", "?", "99999999999999999999999999", "{\"chat\":1"] {
        bench.clear_chat().await;
        let receipt = Receipt(nonsense.into());
        said.say(&said.question(), Some(&receipt)).await;
        said.only().await;
    }
}

/// A notice is said once, and is a message of its own: the one before it in its lane stays as it was.
pub async fn notices_stay_where_they_are(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let first = said.say(&inform(said.user, 1), None).await;
    let before = said.only().await;
    said.say(&inform(said.user, 2), Some(&first)).await;
    let chat = bench.chat().await;
    assert_eq!(chat.len(), 2, "{chat:?}");
    assert_eq!(chat.first(), Some(&before));
}

/// An alert goes to the operators; a repeated one of the same subject changes the first.
pub async fn a_repeated_alert_changes_the_first(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let first = said.say(&alert("first"), None).await;
    let before = bench.operators_chat().await;
    assert_eq!(before.len(), 1);
    assert_eq!(bench.chat().await, [], "the user is told nothing");
    said.say(&alert("second"), Some(&first)).await;
    let after = bench.operators_chat().await;
    assert_eq!(after.len(), 1, "{after:?}");
    assert_ne!(after, before, "it says something else");
}

/// Too fast is `SlowDown`, with how long to wait; nothing was shown, and later it goes through.
pub async fn too_fast_says_how_long_to_wait(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let pause = Duration::from_secs(7);
    bench.slow_down(pause).await;
    let refused = said.try_say(&said.question(), None).await;
    assert_eq!(refused, Err(NotifierError::SlowDown(pause)));
    assert_eq!(bench.chat().await, []);
    said.say(&said.question(), None).await;
    said.only().await;
}

/// Whoever blocked us is `Gone`, and that is not tried again by itself.
pub async fn whoever_blocked_us_is_gone(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    bench.block(true).await;
    let refused = said.try_say(&said.question(), None).await;
    assert!(
        matches!(refused, Err(NotifierError::Gone(_))),
        "{refused:?}"
    );
    assert_eq!(refused.map_err(|error| error.retry()), Err(Retry::Never));
    bench.block(false).await;
    said.say(&said.question(), None).await;
}

/// Nobody can be told who has no chat with us: `Gone`.
pub async fn a_stranger_cannot_be_told(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let notice = question(bench.stranger(), said.session, said.challenge);
    let refused = said.try_say(&notice, None).await;
    assert!(
        matches!(refused, Err(NotifierError::Gone(_))),
        "{refused:?}"
    );
}

/// A messenger that cannot be reached is `Unavailable`, to be tried again after a while.
pub async fn what_cannot_be_reached_is_tried_again(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    bench.cut_off(true).await;
    let refused = said.try_say(&said.question(), None).await;
    assert!(
        matches!(refused, Err(NotifierError::Unavailable(_))),
        "{refused:?}"
    );
    let retry = refused.map_err(|error| error.retry());
    assert!(matches!(retry, Err(Retry::After(_))), "{retry:?}");
    bench.cut_off(false).await;
    said.say(&said.question(), None).await;
    said.only().await;
}

/// Where no answer came it is `OutcomeUnknown`, whether it was sent or not; said again, there is at most one more.
pub async fn a_lost_reply_is_an_unknown_outcome(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    for done in [true, false] {
        bench.clear_chat().await;
        if !bench.lose_next_reply(done).await {
            return;
        }
        let outcome = said.try_say(&said.question(), None).await;
        assert_eq!(outcome, Err(NotifierError::OutcomeUnknown), "sent: {done}");
        let expected = usize::from(done);
        assert_eq!(bench.chat().await.len(), expected);
        said.say(&said.question(), None).await;
        assert_eq!(
            bench.chat().await.len(),
            expected + 1,
            "once more, not more"
        );
    }
}

/// Where no answer came to an edit, the same edit again is no second message.
pub async fn a_lost_edit_is_made_again(bench: &impl NotifierBench) {
    let said = Said::new(bench);
    let receipt = said.say(&said.question(), None).await;
    let opening = said.card(Card::Opening, Delivery::Edit);
    for done in [true, false] {
        if !bench.lose_next_reply(done).await {
            return;
        }
        let outcome = said.try_say(&opening, Some(&receipt)).await;
        assert_eq!(outcome, Err(NotifierError::OutcomeUnknown));
        said.say(&opening, Some(&receipt)).await;
        said.only().await;
    }
}
