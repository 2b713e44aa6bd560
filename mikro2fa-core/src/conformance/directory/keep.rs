//! Secrets, settings, tokens, codes, and forgetting them in time.

use super::{Filled, not_found};
use crate::{
    conformance::{
        ok,
        sample::{HOUR, MINUTE, NOW},
        store::StoreBench,
    },
    directory::{ApiToken, DeskChange, Digest, JournalEntry},
    id::UserId,
    secret::Secret,
    time::Timestamp,
};

/// A secret comes back as it went in, and the later one takes the place of the one before.
pub async fn a_secret_comes_back_as_it_went_in(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let read = async |name: &str| {
        let secret = filled.directory.secret(name).await;
        ok(secret, "read a secret").map(|secret| secret.expose().to_owned())
    };
    assert_eq!(read("bot token").await, None);
    for value in ["12345:AAE", "", "Ω≈ç√ with a\nline"] {
        filled
            .change(DeskChange::PutSecret {
                name: "bot token".into(),
                value: Secret::new(value),
            })
            .await;
        assert_eq!(read("bot token").await.as_deref(), Some(value));
    }
    assert_eq!(read("another").await, None);
}

/// A setting is what was set last.
pub async fn a_setting_is_what_was_set_last(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let read = async || ok(filled.directory.setting("name").await, "read a setting");
    assert_eq!(read().await, None);
    for value in ["one", "two"] {
        filled
            .change(DeskChange::PutSetting {
                name: "name".into(),
                value: value.into(),
            })
            .await;
        assert_eq!(read().await.as_deref(), Some(value));
    }
}

/// A router's journal is read in the order of its numbers, an entry under a number that is there takes its place, and a
/// journal is forgotten with its router, or when all of it was taken back; another router's stays.
pub async fn a_routers_journal_is_its_own(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let read = async |router| ok(filled.directory.journal(router).await, "read a journal");
    let entry = |router, number, deed: &str, done| JournalEntry {
        router,
        number,
        deed: deed.into(),
        done,
        at: NOW,
    };
    let (office, plant) = (filled.office, filled.plant);
    assert_eq!(read(office).await, []);
    let entries = [
        entry(office, 2, "second, \"Ω\"\n", false),
        entry(office, 1, "first", true),
        entry(plant, 1, "another router's", false),
        entry(office, 10, "tenth", false),
    ];
    for entry in &entries {
        filled.change(DeskChange::PutJournal(entry.clone())).await;
    }
    let [second, first, other, tenth] = entries;
    let wanted = [first.clone(), second.clone(), tenth.clone()];
    assert_eq!(read(office).await, wanted, "in their order");
    let done = JournalEntry {
        done: true,
        ..second
    };
    filled.change(DeskChange::PutJournal(done.clone())).await;
    assert_eq!(read(office).await, [first, done, tenth]);
    filled.change(DeskChange::ForgetJournal(office)).await;
    filled.change(DeskChange::ForgetJournal(office)).await;
    assert_eq!(read(office).await, []);
    let stays = read(plant).await;
    assert_eq!(stays.first(), Some(&other), "another router's stays");
    filled.change(DeskChange::RemoveRouter(plant)).await;
    assert_eq!(read(plant).await, []);
    not_found(&filled.try_change(vec![DeskChange::PutJournal(other)]).await);
}

/// A token is good from when it was made until its end, or until it is revoked.
pub async fn a_token_is_good_until_its_end(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let directory = &filled.directory;
    let read = async |digest, now| ok(directory.token(digest, now).await, "read a token");
    assert!(!ok(directory.has_tokens().await, "ask for tokens"));
    let for_a_while = ApiToken {
        digest: Digest::of("a while"),
        name: "scripts".into(),
        created_at: NOW,
        until: Some(NOW + HOUR),
    };
    let for_good = ApiToken {
        digest: Digest::of("for good"),
        until: None,
        ..for_a_while.clone()
    };
    for token in [&for_a_while, &for_good] {
        filled.change(DeskChange::PutToken(token.clone())).await;
    }
    assert!(ok(directory.has_tokens().await, "ask for tokens"));
    let almost = NOW + HOUR - MINUTE;
    assert_eq!(
        read(for_a_while.digest, almost).await,
        Some(for_a_while.clone())
    );
    assert_eq!(read(for_a_while.digest, NOW + HOUR).await, None);
    assert_eq!(
        read(for_good.digest, NOW + 1_000 * HOUR).await,
        Some(for_good.clone())
    );
    assert_eq!(read(Digest::of("guessed"), NOW).await, None);
    filled
        .change(DeskChange::RevokeToken(for_good.digest))
        .await;
    assert_eq!(read(for_good.digest, NOW).await, None);
}

impl Filled {
    async fn code(&self, text: &str, user: UserId, until: Timestamp) -> Digest {
        let digest = Digest::of(text);
        self.change(DeskChange::PutLinkCode {
            digest,
            user,
            until,
        })
        .await;
        digest
    }

    async fn code_is_for(&self, digest: Digest, now: Timestamp) -> Option<UserId> {
        ok(
            self.directory.link_code(digest, now).await,
            "read a link code",
        )
    }
}

/// A code links once: it is good until its end, until it is used, or until its user gets another.
pub async fn a_code_is_used_once(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let until = NOW + 10 * MINUTE;
    let first = filled.code("first", filled.ann, until).await;
    let bobs = filled.code("bobs", filled.bob, until).await;
    assert_eq!(filled.code_is_for(first, NOW).await, Some(filled.ann));
    let second = filled.code("second", filled.ann, until).await;
    assert_eq!(filled.code_is_for(first, NOW).await, None, "replaced");
    assert_eq!(filled.code_is_for(bobs, NOW).await, Some(filled.bob));
    let used = |now| DeskChange::UseLinkCode {
        digest: second,
        now,
    };
    not_found(&filled.try_change(vec![used(until)]).await);
    assert_eq!(filled.code_is_for(second, until).await, None, "over");
    filled.change(used(NOW)).await;
    assert_eq!(filled.code_is_for(second, NOW).await, None, "used");
    not_found(&filled.try_change(vec![used(NOW)]).await);
}

/// Where a code cannot be used nothing else of the change is made: nobody is linked by a code that was used already.
pub async fn a_used_code_links_nobody(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let digest = filled.code("code", filled.ann, NOW + HOUR).await;
    let linking = |chat: i64, version: u32| {
        let mut user = filled.desk.clone().user_mut(filled.ann).clone();
        user.chat = Some(crate::desk::ChatId(chat));
        user.version = version;
        let used = DeskChange::UseLinkCode { digest, now: NOW };
        vec![DeskChange::PutUser(user), used]
    };
    ok(filled.try_change(linking(7, 1)).await, "link by a code");
    not_found(&filled.try_change(linking(8, 2)).await);
    let user = ok(filled.directory.user(filled.ann).await, "read a user");
    let chat = user.and_then(|user| user.chat);
    assert_eq!(chat, Some(crate::desk::ChatId(7)), "the first one's");
}

/// What is over is forgotten, and counted; what is good stays.
pub async fn what_is_over_is_forgotten(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let over = filled.code("over", filled.ann, NOW + MINUTE).await;
    let good = filled.code("good", filled.bob, NOW + HOUR).await;
    let swept = filled.directory.sweep(NOW + 2 * MINUTE).await;
    assert_eq!(ok(swept, "sweep"), 1);
    let swept = filled.directory.sweep(NOW + 2 * MINUTE).await;
    assert_eq!(ok(swept, "sweep again"), 0);
    assert_eq!(filled.code_is_for(over, NOW).await, None);
    assert_eq!(filled.code_is_for(good, NOW).await, Some(filled.bob));
}

/// An update that was answered a moment ago is not forgotten: Telegram may send it again.
pub async fn a_fresh_update_is_not_forgotten(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let mut commit = crate::store::Commit::new(filled.ids.commit(), None);
    commit.update = Some("7".into());
    ok(filled.store.commit(&[commit.clone()]).await, "commit");
    ok(filled.directory.sweep(NOW + HOUR).await, "sweep");
    commit.id = filled.ids.commit();
    let outcomes = ok(filled.store.commit(&[commit]).await, "commit it again");
    assert_eq!(outcomes, [crate::store::Committed::Repeated]);
}
