//! Every message of the core's, in both languages, as its reader sees it.

use std::{net::IpAddr, time::Duration};

use mikro2fa_core::{
    desk::Language,
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    notifier::{
        Act, Alert, Card, Closing, Delivery, Inform, Matter, OpenNote, Question, QuestionKind,
        Remark, Subject,
    },
    session::{Choice, EndReason},
    time::Timestamp,
    tunnel::{Caller, Service},
};

use super::{Rendered, Scene, alert, card, inform};
use crate::{
    markup,
    text::{LANGUAGES, Reader, Texts},
};

/// Thursday, 20 November 2025, 15:40 UTC.
const NOW: Timestamp = Timestamp(1_763_653_200_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn id<T: std::str::FromStr>(n: u128) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{n:032x}").parse().unwrap()
}

fn caller() -> Option<Caller> {
    Some(Caller::Ip(IpAddr::from([203, 0, 113, 7])))
}

fn subject() -> Subject {
    Subject {
        session: Some(id::<SessionId>(1)),
        account_id: Some(id::<AccountId>(2)),
        router_id: Some(id::<RouterId>(3)),
        account: "ann".into(),
        router: "office".into(),
        person: "Ann".into(),
    }
}

fn question(kind: QuestionKind, remark: Remark) -> Question {
    Question {
        challenge: id::<ChallengeId>(4),
        kind,
        caller: caller(),
        service: Service::L2tp,
        at: NOW - MINUTE,
        deadline: NOW + MINUTE * 5,
        first_time: false,
        early: false,
        remark,
        trial: false,
    }
}

fn ended(reason: EndReason, since: Option<Timestamp>) -> Card {
    let note = if reason == EndReason::EndedByOperator {
        "Maintenance."
    } else {
        ""
    };
    Card::Ended {
        reason,
        note: note.into(),
        since,
        at: NOW,
        caller: caller(),
        held: false,
        trial: false,
    }
}

fn open(note: OpenNote) -> Card {
    Card::Open {
        until: NOW + HOUR * 24,
        caller: caller(),
        since: NOW - MINUTE,
        note,
        not_me_until: None,
    }
}

fn cards() -> Vec<Card> {
    let ask = |kind| Card::Question(question(kind, Remark::None));
    let since = Some(NOW - HOUR * 3);
    let mut cards = vec![
        Card::Preparing,
        Card::ConnectNow {
            until: NOW + MINUTE * 30,
        },
        Card::RequestedNoContact {
            until: NOW + MINUTE * 30,
        },
        ask(QuestionKind::Requested),
        ask(QuestionKind::Unrequested),
        ask(QuestionKind::Adopted),
        ask(QuestionKind::Second { other: None }),
        Card::Question(Question {
            first_time: true,
            early: true,
            ..question(QuestionKind::Requested, Remark::Again { n: 2, max: 3 })
        }),
        Card::Question(Question {
            caller: None,
            ..question(QuestionKind::Requested, Remark::Replaced { others: 2 })
        }),
        Card::Question(Question {
            caller: Some(Caller::parse("192.168.1.5")),
            trial: true,
            ..question(QuestionKind::Requested, Remark::AfterGap)
        }),
        Card::Opening,
        Card::OpeningNoContact,
        open(OpenNote::None),
        open(OpenNote::Extended { minutes: 240 }),
        open(OpenNote::NoContact),
        open(OpenNote::LetIn {
            operator: "Olga".into(),
            reason: "phone lost".into(),
        }),
        Card::Resumed {
            caller: caller(),
            at: NOW,
            until: NOW + HOUR,
        },
        Card::Reminder {
            until: NOW + HOUR,
            offer: id::<OfferId>(5),
            choices: vec![
                Choice {
                    minutes: 60,
                    until: NOW + HOUR * 2,
                },
                Choice {
                    minutes: 90,
                    until: NOW + HOUR * 3,
                },
            ],
        },
        Card::Reminder {
            until: NOW + HOUR,
            offer: id::<OfferId>(5),
            choices: Vec::new(),
        },
        Card::Grace {
            until: NOW + MINUTE,
        },
        Card::Denied {
            caller: caller(),
            at: NOW,
            closing: Closing::Pending,
            trial: false,
        },
        Card::Denied {
            caller: caller(),
            at: NOW,
            closing: Closing::Done,
            trial: false,
        },
        Card::Denied {
            caller: caller(),
            at: NOW,
            closing: Closing::NoContact,
            trial: false,
        },
        Card::Denied {
            caller: caller(),
            at: NOW,
            closing: Closing::Pending,
            trial: true,
        },
        Card::Ended {
            reason: EndReason::Unanswered,
            note: "".into(),
            since: None,
            at: NOW,
            caller: caller(),
            held: true,
            trial: true,
        },
        Card::Ended {
            reason: EndReason::EndedByUser,
            note: "".into(),
            since: None,
            at: NOW,
            caller: None,
            held: false,
            trial: false,
        },
        ended(EndReason::TunnelGone, None),
    ];
    let reasons = [
        EndReason::NeverConnected,
        EndReason::Denied,
        EndReason::Unanswered,
        EndReason::Undeliverable,
        EndReason::Expired,
        EndReason::EndedByUser,
        EndReason::EndedByOperator,
        EndReason::TunnelGone,
        EndReason::Replaced,
        EndReason::Unrequested,
        EndReason::Banned,
        EndReason::NotOpened,
        EndReason::UserSuspended,
        EndReason::AccountUnlinked,
        EndReason::AccountGone,
        EndReason::DisabledOnRouter,
        EndReason::ShutByRouter,
        EndReason::RouterRemoved,
    ];
    cards.extend(reasons.map(|reason| ended(reason, since)));
    cards
}

fn informs() -> Vec<Inform> {
    vec![
        Inform::SecondRefused {
            caller: caller(),
            at: NOW,
        },
        Inform::CoolDown {
            count: 7,
            until: NOW + MINUTE * 10,
        },
        Inform::Banned {
            caller: caller(),
            count: 3,
            until: NOW + HOUR * 24,
        },
        Inform::BanLifted,
        Inform::Unlocked {
            operator: "Olga".into(),
            at: NOW,
        },
        Inform::Bound { now: true },
        Inform::Bound { now: false },
        Inform::Suspended {
            now: true,
            reason: "Contract ended.".into(),
        },
        Inform::Suspended {
            now: false,
            reason: "".into(),
        },
        Inform::Approved {
            accounts: vec!["ann".into(), "ann-home".into()],
        },
        Inform::Approved {
            accounts: Vec::new(),
        },
    ]
}

fn solved(matter: Matter, act: Act) -> Alert {
    Alert::Solved {
        matter,
        act,
        by: "Olga".into(),
    }
}

fn alerts() -> Vec<Alert> {
    vec![
        Alert::Denied {
            caller: caller(),
            service: Some(Service::L2tp),
            at: NOW - MINUTE,
            answered: NOW,
            last: None,
            others: Vec::new(),
        },
        Alert::Denied {
            caller: caller(),
            service: Some(Service::L2tp),
            at: NOW - MINUTE,
            answered: NOW,
            last: Some(("192.0.2.4".into(), NOW - HOUR * 20)),
            others: vec!["bob".into(), "carl".into()],
        },
        Alert::Banned {
            caller: caller(),
            count: 3,
            until: NOW + HOUR * 24,
        },
        Alert::CoolDown {
            count: 7,
            until: NOW,
        },
        Alert::Router {
            back: false,
            since: NOW - MINUTE,
            why: "no answer".into(),
        },
        Alert::Router {
            back: true,
            since: NOW - HOUR,
            why: "".into(),
        },
        Alert::Gate {
            whole: false,
            finding: "the jump rule is disabled".into(),
        },
        Alert::Gate {
            whole: true,
            finding: "mikro2fa".into(),
        },
        Alert::Emergency {
            address: "10.8.0.9".into(),
            until: Some(NOW + HOUR),
        },
        Alert::Emergency {
            address: "10.8.0.9".into(),
            until: None,
        },
        Alert::DriftClosed {
            what: "account ann".into(),
        },
        Alert::DriftRespected {
            what: "account ann".into(),
        },
        Alert::ShutByRouter {
            what: "ann 2FA".into(),
        },
        Alert::ForeignPermit {
            address: "10.8.0.9".into(),
            comment: "<script>".into(),
        },
        Alert::NotOpened {
            why: "the permit was not seen".into(),
        },
        Alert::UserUnreachable {
            why: "Forbidden: bot was blocked by the user".into(),
        },
        Alert::Unowned {
            accounts: vec!["carl".into(), "dora".into()],
        },
        Alert::Found {
            what: "the rule \"2FA ann\" is gone".into(),
        },
        Alert::NotMended {
            what: "a permit".into(),
        },
        Alert::Registration {
            name: "Carl".into(),
            telegram_name: "carl".into(),
            chat: 7,
        },
        Alert::Linked {
            telegram_name: "ann".into(),
            chat: 7,
        },
        Alert::BotConflict,
        Alert::Relinked {
            user: id::<UserId>(6),
            generation: 2,
            chat: 7,
            before: 8,
        },
        solved(Matter::Denied, Act::Unlocked),
        solved(Matter::Denied, Act::KeptLocked),
        solved(Matter::Banned, Act::Unlocked),
        solved(Matter::Registration, Act::Approved),
        solved(Matter::Registration, Act::Rejected),
        solved(Matter::Registration, Act::Withdrawn),
        solved(Matter::Linked, Act::Unlinked),
        solved(Matter::Relinked, Act::LinkKept),
        solved(Matter::Relinked, Act::LinkBack),
    ]
}

fn shown(rendered: &Rendered) -> String {
    let text = markup::parse(rendered.html.as_str())
        .unwrap()
        .plain
        .replace('\n', "\n    ");
    let sound = if rendered.silent { "silent" } else { "sound" };
    let mut shown = format!("{sound}\n    {text}\n");
    if let Some(markup) = rendered
        .buttons
        .markup(mikro2fa_core::directory::KeyboardId([0; 16]))
    {
        for row in markup.inline_keyboard {
            let labels: Vec<String> = row
                .into_iter()
                .map(|button| format!("[{}]", button.text))
                .collect();
            shown.push_str(&format!("    {}\n", labels.join(" ")));
        }
    }
    shown
}

fn all(language: Language) -> String {
    let texts = Texts::new();
    let scene = Scene {
        texts: &texts,
        reader: Reader::new(language).in_zone(Some(180)),
        now: NOW,
    };
    let subject = subject();
    let cards = cards()
        .into_iter()
        .map(|shown| card(scene, &shown, Delivery::Move, &subject));
    let informs = informs()
        .into_iter()
        .map(|said| inform(scene, &said, &subject));
    let alerts = alerts()
        .into_iter()
        .map(|told| alert(scene, &told, &subject, NOW));
    cards
        .chain(informs)
        .chain(alerts)
        .map(|rendered| shown(&rendered))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn all_messages() {
    for language in LANGUAGES {
        insta::assert_snapshot!(
            format!("messages_{language:?}").to_lowercase(),
            all(language)
        );
    }
}

#[test]
fn only_questions_carry_a_yes_and_it_stands_above_the_no() {
    let texts = Texts::new();
    let scene = Scene {
        texts: &texts,
        reader: Reader::new(Language::En),
        now: NOW,
    };
    for shown in cards() {
        let rendered = card(scene, &shown, Delivery::Move, &subject());
        let labels: Vec<String> = rendered
            .buttons
            .markup(mikro2fa_core::directory::KeyboardId([0; 16]))
            .map(|markup| {
                markup
                    .inline_keyboard
                    .into_iter()
                    .flatten()
                    .map(|button| button.text)
                    .collect()
            })
            .unwrap_or_default();
        let yes = labels.iter().any(|label| label.starts_with("Yes"));
        assert_eq!(yes, matches!(shown, Card::Question(_)), "{shown:?}");
        assert_eq!(rendered.protect, yes);
        if yes {
            assert_eq!(labels, ["Yes, it was me", "No, not me"]);
        }
    }
}

#[test]
fn a_lock_screen_says_what_happened_to_whom_and_where() {
    let texts = Texts::new();
    for language in LANGUAGES {
        let scene = Scene {
            texts: &texts,
            reader: Reader::new(language).in_zone(Some(180)),
            now: NOW,
        };
        for shown in cards() {
            let plain = markup::parse(
                card(scene, &shown, Delivery::Move, &subject())
                    .html
                    .as_str(),
            )
            .unwrap()
            .plain;
            let lines: Vec<&str> = plain.lines().take(2).collect();
            let seen = lines.join("\n");
            assert!(seen.contains("ann") || seen.contains("office"), "{seen}");
            let asks = matches!(
                shown,
                Card::Question(_)
                    | Card::Reminder { .. }
                    | Card::Denied { .. }
                    | Card::Open { .. }
                    | Card::Opening
            );
            assert!(
                !asks || (seen.contains("ann") && seen.contains("office")),
                "{seen}"
            );
            assert!(lines[0].chars().count() <= 80, "{seen}");
            assert!(
                lines.get(1).is_none_or(|line| line.chars().count() <= 90),
                "{seen}"
            );
        }
    }
}

#[test]
fn no_name_or_reason_breaks_a_message() {
    let texts = Texts::new();
    let hostile: std::sync::Arc<str> = "<b>&lt; {$x} @ann /ban\n\u{202e}".into();
    let subject = Subject {
        account: hostile.clone(),
        router: hostile.clone(),
        person: hostile.clone(),
        ..subject()
    };
    for language in LANGUAGES {
        let scene = Scene {
            texts: &texts,
            reader: Reader::new(language),
            now: NOW,
        };
        let odd = Card::Open {
            until: NOW,
            caller: Some(Caller::Other(hostile.clone())),
            since: NOW,
            note: OpenNote::LetIn {
                operator: hostile.clone(),
                reason: hostile.clone(),
            },
            not_me_until: None,
        };
        for shown in cards().into_iter().chain([odd]) {
            let html = card(scene, &shown, Delivery::Edit, &subject).html;
            let plain = markup::parse(html.as_str()).unwrap().plain;
            assert!(!plain.contains('\u{202e}'));
        }
    }
}
