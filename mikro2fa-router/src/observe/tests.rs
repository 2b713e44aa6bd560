//! Looks against a router that says what the script says.

use std::net::Ipv4Addr;

use mikro2fa_core::{
    desk::{ListNames, SourceKind},
    id::{RouterId, SessionId},
    router_backend::PermitTag,
    tunnel::{Caller, Service},
};
use routeros_api::SentenceBuilder;
use uuid::Uuid;

use super::*;
use crate::{handle::Id, scripted::answer, tag::Tagger, text};

const NOW: Timestamp = Timestamp(1_763_000_000_000);

fn site() -> Site {
    Site {
        router: RouterId::from_uuid(Uuid::from_u128(1)),
        lists: ListNames::default(),
        gate: crate::gate::GateNames::default(),
        tagger: Tagger::new("0".repeat(32).parse().unwrap()),
    }
}

fn handle(id: &str) -> Text {
    Generation::first(NOW).handle(&Id::parse(id.as_bytes()).unwrap())
}

fn these(names: &[&str]) -> Part {
    Part::These(names.iter().map(|&name| name.into()).collect())
}

/// Looks against a script of (sentence, answer).
fn look(look: &Look, script: &[(&str, Answer)]) -> Result<(Observed, Lesson), RouterError> {
    let site = site();
    let (round, sentences) = Round::begin(look, &site, Generation::first(NOW), NOTHING);
    let said: Vec<String> = sentences.iter().map(|it| format!("{it:?}")).collect();
    let expected: Vec<&str> = script.iter().map(|(sentence, _)| *sentence).collect();
    assert_eq!(said, expected);
    let answers: Vec<Answer> = script.iter().map(|(_, answer)| answer.clone()).collect();
    round.end(&answers, NOW)
}

const NOTHING: Knowing = Knowing {
    ipv6: true,
    user_manager: None,
    tunnels: false,
    uptime: false,
};
const NO_IPV6: Knowing = Knowing {
    ipv6: false,
    user_manager: None,
    tunnels: false,
    uptime: false,
};

const ACTIVE: &str =
    "/ppp/active/print =.proplist=.id,name,service,caller-id,address,uptime,session-id";
const UPTIME: &str = "/system/resource/print =.proplist=uptime";
const PERMITS: &str = "/ip/firewall/address-list/print =.proplist=.id,address,comment,timeout \
                       ?=list=mikro2fa-permit";
const PERMITS6: &str = "/ipv6/firewall/address-list/print =.proplist=.id,address,comment,timeout \
                        ?=list=mikro2fa-permit";

fn tunnels() -> Look {
    Look {
        tunnels: Part::All,
        ..Look::default()
    }
}

#[test]
fn tunnels_come_with_the_routers_uptime() {
    let rows = ".id=*80000A;name=ann;service=l2tp;caller-id=203.0.113.7;address=10.8.0.4;\
                uptime=1h2m3s;session-id=0x81C00002 \
                | .id=*80000B;name=bob;service=pppoe;caller-id=B0:4E:26:00:00:01;uptime=5s";
    let script = [
        (ACTIVE, answer(rows)),
        (UPTIME, answer("uptime=3w4d12h23m12s")),
    ];
    let (observed, _) = look(&tunnels(), &script).unwrap();
    assert_eq!(
        observed.router_uptime,
        Some((Duration::from_secs(2_204_592), NOW))
    );
    let seen = observed.tunnels.unwrap();
    assert_eq!((seen.asked, seen.at), (Part::All, NOW));
    let [ann, bob] = &seen.rows[..] else {
        panic!("{:?}", seen.rows)
    };
    assert_eq!(&*ann.key.handle, "*80000A");
    assert_eq!(ann.key.nonce.as_deref(), Some("0x81C00002"));
    assert_eq!((&*ann.account, ann.service), ("ann", Service::L2tp));
    assert_eq!(ann.addresses.v4, Some(Ipv4Addr::new(10, 8, 0, 4)));
    assert_eq!(ann.caller, Some(Caller::parse("203.0.113.7")));
    assert_eq!(ann.uptime, Duration::from_secs(3_723));
    assert_eq!(ann.seen_at, NOW);
    assert_eq!((bob.addresses.v4, bob.key.nonce.clone()), (None, None));
    assert_eq!(bob.caller, Some(Caller::Other("B0:4E:26:00:00:01".into())));
}

#[test]
fn some_tunnels_are_asked_for_by_name() {
    let wanted = Look {
        tunnels: these(&["bob", "ann", "bob"]),
        ..Look::default()
    };
    let sentence = format!("{ACTIVE} ?=name=ann ?=name=bob ?#|");
    let (observed, _) = look(&wanted, &[(&sentence, answer("done"))]).unwrap();
    assert_eq!(observed.router_uptime, None);
    let seen = observed.tunnels.unwrap();
    assert_eq!((seen.asked, seen.rows), (wanted.tunnels, Vec::new()));
}

#[test]
fn many_names_are_asked_for_in_several_sentences() {
    let names: Vec<String> = (0..120).map(|n| format!("user{n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted = Look {
        accounts: these(&names),
        ..Look::default()
    };
    let site = site();
    let (round, sentences) = Round::begin(&wanted, &site, Generation::first(NOW), NOTHING);
    assert_eq!(sentences.len(), 3);
    let mut answers = vec![
        answer(".id=*1;name=user001"),
        answer("done"),
        answer(".id=*9;name=user119"),
    ];
    let (observed, _) = round.end(&answers, NOW).unwrap();
    assert_eq!(observed.accounts.unwrap().rows.len(), 2);
    answers[1] = answer("no no such item");
    let (observed, _) = round.end(&answers, NOW).unwrap();
    assert_eq!(observed.accounts, None, "one of them broke off");
}

#[test]
fn a_part_that_breaks_off_is_not_seen_and_the_others_are() {
    let mut partial = answer(".id=*1;name=ann;uptime=5s");
    partial.end = answer("no no such item (4)").end;
    let script = [(ACTIVE, partial), (UPTIME, answer("uptime=5s"))];
    let (observed, _) = look(&tunnels(), &script).unwrap();
    assert_eq!(observed.tunnels, None);
    assert!(observed.router_uptime.is_some());
}

#[test]
fn a_login_that_may_see_nothing_is_told_so() {
    let denied = || answer("no not enough permissions (9)");
    let error = look(&tunnels(), &[(ACTIVE, denied()), (UPTIME, denied())]).unwrap_err();
    assert_eq!(
        error,
        RouterError::Refused("not enough permissions (9)".into())
    );
    let script = [(ACTIVE, denied()), (UPTIME, answer("uptime=5s"))];
    assert_eq!(look(&tunnels(), &script).unwrap().0.tunnels, None);
}

#[test]
fn what_would_make_a_live_tunnel_look_gone_fails_the_look() {
    for odd in [
        "name=ann;uptime=5s",
        ".id=5;name=ann;uptime=5s",
        ".id=*1;name=ann;uptime=soon",
    ] {
        let script = [(ACTIVE, answer(odd)), (UPTIME, answer("uptime=5s"))];
        let error = look(&tunnels(), &script).unwrap_err();
        assert!(matches!(error, RouterError::Protocol(_)), "{odd}: {error}");
    }
}

#[test]
fn names_that_are_not_utf8_are_seen_and_asked_for_again() {
    let names: [&[u8]; 2] = [b"\xC0\xED\xED\xE0", b"\xC8\xED\xED\xE0"];
    let mut rows = Rows::default();
    for name in names {
        let sentence = SentenceBuilder::new("!re")
            .attribute(".id", "*1")
            .attribute("name", name)
            .attribute("caller-id", b"\xFF")
            .attribute("uptime", "5s");
        rows.push(Row::new(sentence.view()));
    }
    let answered = Answer {
        rows,
        end: answer("done").end,
    };
    let script = [(ACTIVE, answered), (UPTIME, answer("done"))];
    let (observed, _) = look(&tunnels(), &script).unwrap();
    let seen = observed.tunnels.unwrap().rows;
    assert_ne!(seen[0].account, seen[1].account);
    let again = ppp::print_active_of(&[seen[1].account.clone()]);
    assert!(
        format!("{again:?}").ends_with(r"?=name=\xc8\xed\xed\xe0"),
        "{again:?}"
    );
    assert_eq!(text::encode(&seen[0].account), names[0]);
}

#[test]
fn entries_say_whose_they_are_and_how_long_they_live() {
    let wanted = Look {
        permits: Part::All,
        ..Look::default()
    };
    let session = SessionId::from_uuid(Uuid::from_u128(7));
    let ours = site().tagger.print(session, 3);
    let v4 = format!(
        ".id=*1;address=10.8.0.4;timeout=9m59s;comment={ours} \
         | .id=*2;address=10.9.0.0-10.9.0.2;comment=printers \
         | .id=*3;address=office.example.com | .id=*4;address=192.0.2.1;timeout=1s"
    );
    let v6 = format!(".id=*1;address=2001:db8:4::/56;timeout=5m;comment={ours}");
    let script = [(PERMITS, answer(&v4)), (PERMITS6, answer(&v6))];
    let (observed, lesson) = look(&wanted, &script).unwrap();
    assert_eq!(lesson, Lesson::default());
    let rows = observed.permits.unwrap().rows;
    let shown: Vec<String> = rows.iter().map(|row| row.address.to_string()).collect();
    assert_eq!(
        shown,
        [
            "10.8.0.4",
            "10.9.0.0/31",
            "10.9.0.2",
            "192.0.2.1",
            "2001:db8:4::/56"
        ]
    );
    assert_eq!(rows[0].tag, PermitTag::Ours { session, epoch: 3 });
    assert_eq!(rows[0].left, Some(Duration::from_secs(599)));
    assert_eq!(rows[0].handle, handle("*1"));
    assert_eq!(
        (&rows[1].tag, rows[1].left),
        (&PermitTag::Foreign("printers".into()), None)
    );
    assert_eq!(rows[3].tag, PermitTag::Foreign("".into()));
}

#[test]
fn a_router_without_ipv6_has_no_such_entries_and_is_not_asked_again() {
    let wanted = Look {
        permits: Part::All,
        ..Look::default()
    };
    let absent = "no no such command or directory (ipv6)";
    let script = [(PERMITS, answer("done")), (PERMITS6, answer(absent))];
    let (observed, lesson) = look(&wanted, &script).unwrap();
    assert_eq!(observed.permits.unwrap().rows, []);
    assert!(lesson.no_ipv6);
    let site = site();
    let (_, sentences) = Round::begin(&wanted, &site, Generation::first(NOW), NO_IPV6);
    assert_eq!(sentences.len(), 1);
}

#[test]
fn some_entries_are_asked_for_by_address() {
    let wanted = Look {
        permits: these(&["10.8.0.4", "10.9.0.0/24", "nonsense", "2001:db8::1"]),
        bans: these(&["10.8.0.4"]),
        ..Look::default()
    };
    let v4 = format!("{PERMITS} ?=address=10.8.0.4 ?=address=10.9.0.0/24 ?#|");
    let v6 = format!("{PERMITS6} ?=address=2001:db8::1 ?=address=2001:db8::1/128 ?#|");
    let bans = format!("{} ?=address=10.8.0.4", PERMITS.replace("-permit", "-ban"));
    let script = [
        (&*v4, answer("done")),
        (&*bans, answer("done")),
        (&*v6, answer("done")),
    ];
    let (observed, _) = look(&wanted, &script).unwrap();
    assert_eq!(observed.permits.unwrap().asked, wanted.permits);
    assert_eq!(observed.bans.unwrap().asked, wanted.bans);
}

#[test]
fn nothing_is_asked_where_nobody_is_named() {
    let wanted = Look {
        permits: these(&[]),
        tunnels: these(&[]),
        ..Look::default()
    };
    let (observed, _) = look(&wanted, &[]).unwrap();
    assert_eq!(observed.permits.unwrap().rows, []);
    assert_eq!(observed.tunnels.unwrap().rows, []);
}

#[test]
fn logins_come_with_their_fixed_routes() {
    let wanted = Look {
        accounts: Part::All,
        ..Look::default()
    };
    let sentence = "/ppp/secret/print =.proplist=.id,name,disabled,comment,routes,ipv6-routes,\
                    remote-ipv6-prefix";
    let rows = ".id=*1;name=ann;disabled=false;comment=Ann;\
                routes=10.9.0.0/24 10.8.0.4 1,10.10.0.1,nonsense;ipv6-routes=;\
                remote-ipv6-prefix=2001:db8:4::/56 | .id=*2;name=bob;disabled=true \
                | .id=*3;name=eve;disabled=perhaps | .id=*4;name=joe";
    let (observed, _) = look(&wanted, &[(sentence, answer(rows))]).unwrap();
    let rows = observed.accounts.unwrap().rows;
    assert_eq!(rows[0].source, SourceKind::PppSecrets);
    assert_eq!((&*rows[0].name, &*rows[0].comment), ("ann", "Ann"));
    let routes: Vec<String> = rows[0].routes.iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["10.9.0.0/24", "10.10.0.1", "2001:db8:4::/56"]);
    let enabled: Vec<bool> = rows.iter().map(|row| row.enabled).collect();
    assert_eq!(enabled, [true, false, false, true]);
}

#[test]
fn logins_of_a_user_manager_come_beside_the_secrets() {
    let all = Look {
        accounts: Part::All,
        ..Look::default()
    };
    let secrets = "/ppp/secret/print =.proplist=.id,name,disabled,comment,routes,ipv6-routes,\
                   remote-ipv6-prefix";
    let users = "/user-manager/user/print =.proplist=.id,name,disabled,comment,attributes";
    let ann = ".id=*1;name=ann;disabled=false";
    let theirs = ".id=*1;name=ann;disabled=true | .id=*2;name=uma;disabled=false;\
                  attributes=Framed-Route:10.9.0.0/24 10.8.0.4 1";
    let seen = |first: Answer, second: Answer| {
        let site = site();
        let knowing = Knowing {
            user_manager: Some(UserManager::Seven),
            ..NOTHING
        };
        let (round, said) = Round::begin(&all, &site, Generation::first(NOW), knowing);
        let said: Vec<String> = said.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(said, [secrets, users]);
        round.end(&[first, second], NOW).unwrap()
    };
    let (observed, lesson) = seen(answer(ann), answer(theirs));
    let rows = observed.accounts.unwrap().rows;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&*row.name, row.source, row.enabled))
        .collect();
    assert_eq!(
        shown,
        [
            ("ann", SourceKind::PppSecrets, true),
            ("ann", SourceKind::UserManager, false),
            ("uma", SourceKind::UserManager, true),
        ]
    );
    assert_eq!(rows[2].routes[0].to_string(), "10.9.0.0/24");
    assert!(!lesson.no_user_manager);
    // It may not be there after all; and half of it is nothing.
    let (observed, lesson) = seen(answer(ann), answer("no no such command prefix"));
    assert_eq!(observed.accounts.unwrap().rows.len(), 1);
    assert!(lesson.no_user_manager);
    for broken in [
        "lost",
        "no not enough permissions (9)",
        "no no such item (4)",
    ] {
        let (observed, _) = seen(answer(ann), answer(broken));
        assert_eq!(observed.accounts, None, "{broken}");
    }
}

#[test]
fn only_marked_rules_are_seen() {
    let wanted = Look {
        rules: Part::All,
        ..Look::default()
    };
    let sentence = "/ip/firewall/filter/print \
                    =.proplist=.id,comment,chain,action,disabled,dynamic ?comment";
    let rows = ".id=*6;comment=dummy;chain=forward;dynamic=true \
                | .id=*4;comment=defconf;chain=input | .id=*5;comment=defconf;chain=forward \
                | .id=*1;comment=ann 2FA;chain=forward;disabled=true \
                | .id=*2;comment=drop all;chain=forward;action=drop \
                | .id=*3;comment=2FA hotspot;chain=hs;dynamic=true";
    let (observed, _) = look(&wanted, &[(sentence, answer(rows))]).unwrap();
    let rows = observed.rules.unwrap().rows;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        rows[0].place,
        Some(1),
        "below one rule of its chain that stays"
    );
    assert_eq!((&*rows[0].comment, rows[0].enabled), ("ann 2FA", false));
    assert_eq!((&*rows[0].chain, &*rows[0].action), ("forward", "accept"));
}
