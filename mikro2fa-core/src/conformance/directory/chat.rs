//! What the chat needs: keyboards, registrations.

use super::Filled;
use crate::{
    conformance::{
        ok,
        sample::{HOUR, MINUTE, NOW},
        store::StoreBench,
    },
    desk::{ChatId, Language, Registration, RegistrationState},
    directory::{DeskChange, Keyboard, KeyboardId, Press},
    id::{OfferId, RegistrationId},
    session::Answer,
};

impl Filled {
    /// One of each kind of button.
    fn keyboard(&self, id: u8) -> Keyboard {
        let session = self.ids.session();
        let registration = RegistrationId::from_uuid(self.ids.next());
        Keyboard {
            id: KeyboardId([id; 16]),
            chat: ChatId(1001),
            user: Some(self.ann),
            link_generation: 1,
            messages: vec![17, i64::MAX],
            presses: vec![
                Press::Answer {
                    session,
                    challenge: self.ids.challenge(),
                    answer: Answer::Yes,
                },
                Press::NotMe { session },
                Press::End { session },
                Press::Cancel { session },
                Press::Extend {
                    session,
                    offer: OfferId::from_uuid(self.ids.next()),
                    minutes: 60,
                },
                Press::Request {
                    account: self.whose.account,
                    router: self.office,
                },
                Press::Mistake { session },
                Press::Show { session },
                Press::Page {
                    view: "sessions".into(),
                    page: 2,
                },
                Press::Approve { registration },
                Press::Reject { registration },
                Press::Withdraw { registration },
                Press::Dismiss,
            ],
            made_at: NOW,
            replaces: true,
            ends_at: NOW + HOUR,
            dead: false,
        }
    }

    fn registration(&self, chat: i64, minutes: u32) -> Registration {
        Registration {
            id: RegistrationId::from_uuid(self.ids.next()),
            chat: ChatId(chat),
            name: "Eve".into(),
            telegram_name: "eve \u{202e}<b>".into(),
            language: Language::Ru,
            at: NOW + MINUTE * minutes,
            state: RegistrationState::Pending,
        }
    }
}

/// A keyboard comes back as it went in, with every button; putting it again changes it.
pub async fn a_keyboard_comes_back_as_it_went_in(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut keyboard = filled.keyboard(7);
    let read = async |id| ok(filled.directory.keyboard(id).await, "read a keyboard");
    assert_eq!(read(keyboard.id).await, None);
    filled
        .change(DeskChange::PutKeyboard(keyboard.clone()))
        .await;
    assert_eq!(read(keyboard.id).await, Some(keyboard.clone()));
    keyboard.dead = true;
    keyboard.messages.push(18);
    filled
        .change(DeskChange::PutKeyboard(keyboard.clone()))
        .await;
    assert_eq!(read(keyboard.id).await, Some(keyboard));
}

/// A keyboard that is over is forgotten; a dead one stays as long as it would have lived, for a kind word.
pub async fn a_keyboard_that_is_over_is_forgotten(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut keyboards = [filled.keyboard(1), filled.keyboard(2), filled.keyboard(3)];
    keyboards[0].ends_at = NOW + MINUTE;
    keyboards[1].dead = true;
    for keyboard in &keyboards {
        filled
            .change(DeskChange::PutKeyboard(keyboard.clone()))
            .await;
    }
    let swept = filled.directory.sweep(NOW + 2 * MINUTE).await;
    assert_eq!(ok(swept, "sweep"), 1);
    let mut there = Vec::new();
    for keyboard in &keyboards {
        let stored = filled.directory.keyboard(keyboard.id).await;
        there.push(ok(stored, "read a keyboard").is_some());
    }
    assert_eq!(there, [false, true, true]);
}

/// A registration is found by its id, by its chat (the latest), and by its state (the oldest first).
pub async fn registrations_are_found(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let directory = &filled.directory;
    let mut first = filled.registration(5001, 0);
    let second = filled.registration(5002, 1);
    let again = filled.registration(5001, 2);
    for registration in [&again, &first, &second] {
        let change = DeskChange::PutRegistration(registration.clone());
        filled.change(change).await;
    }
    let pending = directory.registrations(RegistrationState::Pending).await;
    let pending = ok(pending, "read registrations");
    assert_eq!(pending, [first.clone(), second.clone(), again.clone()]);
    let latest = directory.registration_of_chat(ChatId(5001)).await;
    assert_eq!(
        ok(latest, "read a chat's registration"),
        Some(again.clone())
    );
    let nobody = directory.registration_of_chat(ChatId(1)).await;
    assert_eq!(ok(nobody, "read a chat's registration"), None);
    first.state = RegistrationState::Withdrawn;
    filled
        .change(DeskChange::PutRegistration(first.clone()))
        .await;
    let pending = directory.registrations(RegistrationState::Pending).await;
    assert_eq!(ok(pending, "read registrations"), [second, again]);
    let one = directory.registration(first.id).await;
    assert_eq!(ok(one, "read a registration"), Some(first));
}

/// At most a hundred registrations are listed: the oldest, which wait longest.
pub async fn at_most_a_hundred_registrations_are_listed(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut changes = Vec::new();
    for number in 0..105_u32 {
        let registration = filled.registration(6000 + i64::from(number), number);
        changes.push(DeskChange::PutRegistration(registration));
    }
    ok(filled.try_change(changes).await, "a flood of registrations");
    let pending = filled.directory.registrations(RegistrationState::Pending);
    let pending = ok(pending.await, "read registrations");
    assert_eq!(pending.len(), 100);
    assert_eq!(pending[0].chat, ChatId(6000));
}
