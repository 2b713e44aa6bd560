//! Plays a script: `5s yes; 6s opened`.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    notifier::{Card, Delivery, OpenNote, Remark},
    policy::Policy,
    session::{
        Actor, Answer, ChallengeKind, Confirmed, Effect, EndReason, Event, Fresh, Opening, Out,
        Outcome, Reach, Session, SessionState, StepContext, step,
    },
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey},
};

pub(super) const ANN: UserId = UserId::from_uuid(Uuid::from_u128(1));
pub(super) const BOB: UserId = UserId::from_uuid(Uuid::from_u128(2));

pub(super) fn opening() -> Opening {
    Opening {
        id: SessionId::from_uuid(Uuid::from_u128(10)),
        router: RouterId::from_uuid(Uuid::from_u128(11)),
        account: AccountId::from_uuid(Uuid::from_u128(12)),
        owner: ANN,
        trial: false,
    }
}

pub(super) fn fresh(n: u128) -> Fresh {
    Fresh {
        challenge: ChallengeId::from_uuid(Uuid::from_u128(1_000 + n)),
        offer: OfferId::from_uuid(Uuid::from_u128(2_000 + n)),
    }
}

/// The n-th tunnel of ann.
pub(super) fn tunnel(n: u8, caller: &str, now: Timestamp) -> Arc<Tunnel> {
    Arc::new(Tunnel {
        key: TunnelKey {
            router: opening().router,
            source: crate::tunnel::TunnelSource::Ppp,
            handle: format!("*{n}").into(),
            nonce: None,
        },
        account: "ann".into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 8, 0, n)),
            v6: Vec::new(),
        },
        caller: Some(Caller::parse(caller)),
        uptime: Duration::ZERO,
        seen_at: now,
    })
}

const HOME: &str = "203.0.113.7";

struct Player {
    session: Option<Session>,
    first: Option<ChallengeId>,
    last_offer: Option<OfferId>,
    used_offer: Option<OfferId>,
    step: u128,
    out: Out,
}

/// Plays a script; one line a step.
pub(super) fn play(script: &str) -> Vec<String> {
    let mut player = Player {
        session: None,
        first: None,
        last_offer: None,
        used_offer: None,
        step: 0,
        out: Out::default(),
    };
    script
        .split(';')
        .map(|line| player.line(line.trim()))
        .collect()
}

impl Player {
    fn line(&mut self, line: &str) -> String {
        let (at, word) = line.split_once(' ').expect("a time and a word");
        let seconds: i64 = at
            .strip_suffix('s')
            .expect("seconds")
            .parse()
            .expect("a number");
        let policy = Policy::default();
        self.step += 1;
        let now = Timestamp(seconds * 1000);
        let context = StepContext {
            now,
            policy: &policy,
            fresh: fresh(self.step),
        };
        self.out.clear();
        let outcome = self.act(word, &context);
        self.remember(context.fresh);
        let session = self.session.as_ref().expect("a session");
        match outcome {
            Outcome::Ignored(why) => format!("{line} -> ignored {why:?}"),
            Outcome::Stepped => {
                let effects: Vec<String> = self.out.effects.iter().map(print_effect).collect();
                let colon = if effects.is_empty() { "" } else { ": " };
                format!(
                    "{line} -> {}{colon}{}",
                    print_state(session),
                    effects.join(", ")
                )
            }
        }
    }

    fn remember(&mut self, fresh: Fresh) {
        let Some(session) = &self.session else { return };
        if let SessionState::Challenged { challenge, .. } = &session.state {
            self.first.get_or_insert(challenge.id);
        }
        let shown = self
            .out
            .effects
            .iter()
            .any(|e| matches!(e, Effect::Card(Card::Reminder { .. }, _)));
        if shown {
            self.used_offer = self.last_offer;
            self.last_offer = Some(fresh.offer);
        }
    }

    fn act(&mut self, word: &str, context: &StepContext<'_>) -> Outcome {
        match word {
            "request" => {
                self.session = Some(opening().requested(context, &mut self.out));
                return Outcome::Stepped;
            }
            "unrequested" => {
                let tunnel = tunnel(1, HOME, context.now);
                let kind = ChallengeKind::Unrequested;
                let session = opening().challenged(&tunnel, &kind, false, context, &mut self.out);
                self.session = Some(session);
                return Outcome::Stepped;
            }
            _ => {}
        }
        let event = self.event(word, context.now);
        let session = self.session.as_mut().expect("a session");
        step(session, &event, context, &mut self.out)
    }

    fn challenge(&self) -> ChallengeId {
        match &self.session.as_ref().expect("a session").state {
            SessionState::Challenged { challenge, .. } => challenge.id,
            _ => self
                .session
                .as_ref()
                .and_then(Session::access)
                .and_then(|access| access.confirmed.challenge())
                .or(self.first)
                .unwrap_or(ChallengeId::from_uuid(Uuid::from_u128(1))),
        }
    }

    fn event(&self, word: &str, now: Timestamp) -> Event {
        let words: Vec<&str> = word.split(' ').collect();
        let number = |n: usize| words[n].parse::<u32>().expect("a number");
        let answered = |answer, by| Event::Answered {
            challenge: self.challenge(),
            answer,
            by,
        };
        let operator = || Actor::Operator {
            who: "olga".into(),
            reason: "test".into(),
        };
        match words[0] {
            "ready" => Event::AccountReady,
            "request" => Event::RequestedAgain,
            "up" => Event::TunnelUp {
                tunnel: tunnel(
                    words.get(1).map_or(1, |n| n.parse().expect("a number")),
                    HOME,
                    now,
                ),
                kind: ChallengeKind::Requested,
                first_time: false,
            },
            "gone" => Event::TunnelGone,
            "ghost" => Event::GhostSuspected,
            "resumed" => {
                let caller = if words.len() > 2 {
                    "198.51.100.1"
                } else {
                    HOME
                };
                let n = u8::try_from(number(1)).expect("small");
                Event::Resumed {
                    tunnel: tunnel(n, caller, now),
                }
            }
            "delivered" => Event::Delivered {
                challenge: self.challenge(),
            },
            "undeliverable" => Event::Undeliverable {
                challenge: self.challenge(),
            },
            "messenger" if words[1] == "away" => Event::MessengerAway { since: now },
            "messenger" => Event::MessengerBack,
            "router" if words[1] == "away" => Event::Router(Reach::Away),
            "router" => Event::Router(Reach::Back),
            "yes" if word == "yes by bob" => answered(Answer::Yes, BOB),
            "yes" if word == "yes first" => Event::Answered {
                challenge: self.first.expect("a first one"),
                answer: Answer::Yes,
                by: ANN,
            },
            "yes" => answered(Answer::Yes, ANN),
            "no" => answered(Answer::No, ANN),
            "notme" => Event::NotMe { by: ANN },
            "let" => Event::LetIn {
                confirmed: Confirmed::by_operator("olga".into(), "test".into()),
                until: Some(Timestamp(i64::from(number(3)) * 1000)),
            },
            "opened" => Event::Opened,
            "refused" => Event::Refused { why: "no".into() },
            "taken" => Event::PermitTaken,
            "offer" => Event::OfferWanted,
            "left" => Event::CardWanted,
            "extend" => {
                let operators = words.get(2) == Some(&"operator");
                let used = words.get(2) == Some(&"used");
                let by = if operators {
                    operator()
                } else {
                    Actor::Owner { user: ANN }
                };
                let offer = if used {
                    self.used_offer
                } else {
                    self.last_offer
                };
                let offer = if operators { None } else { offer };
                Event::Extended {
                    offer,
                    minutes: number(1),
                    by,
                }
            }
            "end" if words.get(2) == Some(&"bob") => Event::End {
                reason: EndReason::EndedByUser,
                by: Actor::Owner { user: BOB },
            },
            "end" => Event::End {
                reason: EndReason::EndedByOperator,
                by: operator(),
            },
            "released" => Event::Released,
            "deadline" => Event::DeadlineReached,
            other => panic!("no such word: {other}"),
        }
    }
}

pub(super) fn print_state(session: &Session) -> String {
    match &session.state {
        SessionState::Ended {
            reason, remains, ..
        } => {
            let rest = match remains {
                None => String::new(),
                Some(left) => left.hold_until.map_or_else(
                    || ", cut".to_owned(),
                    |until| format!(", held until {}s", until.0 / 1000),
                ),
            };
            format!("ended {}{rest}", reason.name())
        }
        state => state.name().as_str().to_owned(),
    }
}

fn print_effect(effect: &Effect) -> String {
    match effect {
        Effect::Look => "look".into(),
        Effect::Card(card, delivery) => {
            let delivery = match delivery {
                Delivery::Edit => "edit",
                Delivery::MoveSilently => "silent",
                Delivery::Move => "move",
            };
            format!("card {} ({delivery})", print_card(card))
        }
        Effect::Inform(_) => "inform".into(),
        Effect::Alert(alert) => {
            let json = serde_json::to_value(alert).expect("serialises");
            format!(
                "alert {}",
                json["alert"].as_str().expect("a tag").replace('_', "-")
            )
        }
        Effect::Prompted => "prompted".into(),
        Effect::Unanswered { .. } => "unanswered".into(),
        Effect::Ban { .. } => "ban account".into(),
        Effect::CallerConfirmed { .. } => "caller confirmed".into(),
    }
}

fn print_card(card: &Card) -> String {
    match card {
        Card::Question(question) => match question.remark {
            Remark::None => "question".into(),
            Remark::Again { n, max } => format!("question again {n}/{max}"),
            Remark::Replaced { others } => format!("question replaced {others}"),
            Remark::AfterGap => "question after gap".into(),
        },
        Card::Reminder { choices, .. } => {
            let choices: Vec<String> = choices
                .iter()
                .map(|choice| format!("{} to {}s", choice.minutes, choice.until.0 / 1000))
                .collect();
            format!("reminder [{}]", choices.join(", "))
        }
        Card::Open { note, .. } => match note {
            OpenNote::None => "open".into(),
            OpenNote::Extended { minutes } => format!("open extended {minutes}"),
            OpenNote::NoContact => "open no-contact".into(),
            OpenNote::Left => "open left".into(),
            OpenNote::LetIn { .. } => "open let-in".into(),
        },
        other => {
            let json = serde_json::to_value(other).expect("serialises");
            json["card"].as_str().expect("a tag").replace('_', "-")
        }
    }
}
