//! Orders against a router that says what the script says.

use mikro2fa_core::{
    desk::SourceKind,
    id::SessionId,
    router_backend::{Lease, Prefix},
    tunnel::{TunnelKey, TunnelSource},
};
use uuid::Uuid;

use super::*;
use crate::scripted::answer;

mod anything;
mod hotspot;
mod sessions;
mod switches;

const NOW: Timestamp = Timestamp(1_763_000_000_000);

fn site() -> Site {
    Site {
        router: RouterId::from_uuid(Uuid::from_u128(1)),
        lists: ListNames::default(),
        gate: GateNames::default(),
        tagger: Tagger::new(
            Uuid::from_u128(0xABCD_EF01 << 96)
                .simple()
                .to_string()
                .parse()
                .unwrap(),
        ),
    }
}

fn context(site: &Site) -> Context<'_> {
    Context {
        site,
        generation: Generation::first(NOW),
        user_manager: Some(UserManager::Seven),
        epoch: 3,
        window: WINDOW,
        tunnels: BTreeMap::new(),
        time_out_stays: AtomicBool::new(false),
        gate: Memory::default(),
    }
}

fn session(of: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(of))
}

fn comment(of: u128) -> String {
    site().tagger.print(session(of), 3)
}

fn address() -> Prefix {
    Prefix::host("10.8.0.4".parse().unwrap())
}

fn lease(seconds: u64) -> Lease {
    Lease::new(Duration::from_secs(seconds), Timestamp::MAX, NOW).unwrap()
}

fn handle(id: &str) -> Text {
    Generation::first(NOW).handle(&Id::parse(id.as_bytes()).unwrap())
}

fn permit(of: u128) -> Command {
    Command::Permit {
        session: session(of),
        address: address(),
        lease: lease(30),
    }
}

fn revoke(known: Option<&str>) -> Command {
    Command::Revoke {
        session: session(7),
        address: address(),
        known: known.map(handle),
    }
}

fn renew(known: Text, seconds: u64) -> Command {
    Command::Renew {
        session: session(7),
        address: address(),
        known,
        lease: lease(seconds),
    }
}

fn cut() -> Command {
    Command::CutTunnel {
        key: TunnelKey {
            router: site().router,
            source: TunnelSource::Ppp,
            handle: "*80000A".into(),
            nonce: Some("0x81C00002".into()),
        },
        account: "ann".into(),
    }
}

/// Carries orders out against a script of (sentence, answer), and gives their outcomes.
fn carry_out(commands: &[Command], script: &[(&str, &str)]) -> Vec<Applied> {
    let site = site();
    let context = context(&site);
    let mut orders = Orders::new(&context, commands);
    let mut script = script.iter();
    loop {
        let window = orders.next(NOW);
        if window.is_empty() {
            break;
        }
        let answers = window.into_iter().map(|sentence| {
            let said = format!("{sentence:?}");
            let (expected, then) = script.next().unwrap_or(&("nothing more", "done"));
            assert_eq!(said, expected.replace("LIST", "/ip/firewall/address-list"));
            answer(then)
        });
        let answers = answers.collect();
        orders.hear(answers);
    }
    assert_eq!(script.next(), None, "not all was said");
    orders.outcomes()
}

fn done() -> Applied {
    Applied::Done { handle: None }
}

fn reason(applied: &Applied) -> &str {
    match applied {
        Applied::Refused { reason, .. } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn add_said(of: u128) -> String {
    format!(
        "LIST/add =list=mikro2fa-permit =address=10.8.0.4 =timeout=30s =comment={}",
        comment(of)
    )
}

const FIND: &str = "LIST/print =.proplist=.id,address,comment,timeout \
                    ?=list=mikro2fa-permit ?=address=10.8.0.4";

#[test]
fn a_permit_is_one_add_and_comes_back_with_its_handle() {
    let outcomes = carry_out(&[permit(7)], &[(&add_said(7), "done *1F")]);
    let made = Some(handle("*1F"));
    assert_eq!(outcomes, [Applied::Done { handle: made }]);
}

#[test]
fn an_entry_of_ours_in_the_way_is_replaced() {
    let theirs = format!(".id=*5;address=10.8.0.4;timeout=9m;comment={}", comment(6));
    let outcomes = carry_out(
        &[permit(7)],
        &[
            (&add_said(7), "no failure: already have such entry"),
            (FIND, &theirs),
            ("LIST/remove =.id=*5", "done"),
            (&add_said(7), "done *6"),
        ],
    );
    let made = Some(handle("*6"));
    assert_eq!(outcomes, [Applied::Done { handle: made }]);
}

#[test]
fn a28_nothing_is_opened_by_an_entry_that_is_not_ours() {
    let another = Tagger::new("1".repeat(32).parse().unwrap()).print(session(7), 3);
    for foreign in ["printers", "", &another] {
        let entry = format!(".id=*5;address=10.8.0.4;comment={foreign}");
        let script = [
            (&*add_said(7), "no failure: already have such entry"),
            (FIND, &*entry),
        ];
        let outcomes = carry_out(&[permit(7)], &script);
        let reason = reason(&outcomes[0]);
        assert!(
            reason.contains("10.8.0.4") && reason.contains(foreign),
            "{reason}"
        );
    }
}

#[test]
fn an_entry_that_lapsed_between_refusal_and_look_is_no_obstacle() {
    let outcomes = carry_out(
        &[permit(7)],
        &[
            (&add_said(7), "no failure: already have such entry"),
            (FIND, "done"),
            (&add_said(7), "done *6"),
        ],
    );
    assert!(matches!(outcomes[0], Applied::Done { .. }));
}

#[test]
fn a_lease_counts_from_the_writing_and_none_is_written_below_a_second() {
    let site = site();
    let context = context(&site);
    let commands = [Command::Permit {
        session: session(7),
        address: address(),
        lease: Lease::new(Duration::from_secs(600), NOW + Duration::from_secs(20), NOW).unwrap(),
    }];
    let mut orders = Orders::new(&context, &commands);
    let said = |sentences: Vec<Sentence>| format!("{sentences:?}");
    assert!(said(orders.next(NOW + Duration::from_millis(4_500))).contains("=timeout=15s"));
    assert!(orders.next(NOW + Duration::from_millis(19_500)).is_empty());
    assert_eq!(orders.outcomes(), [Applied::NotSent]);
}

#[test]
fn a_known_entry_is_revoked_without_a_look() {
    let outcomes = carry_out(&[revoke(Some("*5"))], &[("LIST/remove =.id=*5", "done")]);
    assert_eq!(outcomes, [done()]);
}

#[test]
fn closing_twice_is_already_so() {
    let gone = [("LIST/remove =.id=*5", "no no such item"), (FIND, "done")];
    assert_eq!(
        carry_out(&[revoke(Some("*5"))], &gone),
        [Applied::AlreadySo]
    );
    assert_eq!(
        carry_out(&[revoke(None)], &[(FIND, "done")]),
        [Applied::AlreadySo]
    );
}

#[test]
fn an_entry_made_anew_under_another_id_is_revoked_all_the_same() {
    let anew = format!(".id=*9;address=10.8.0.4;timeout=9m;comment={}", comment(7));
    let outcomes = carry_out(
        &[revoke(Some("*5"))],
        &[
            ("LIST/remove =.id=*5", "no no such item (4)"),
            (FIND, &anew),
            ("LIST/remove =.id=*9", "done"),
        ],
    );
    assert_eq!(outcomes, [done()]);
}

#[test]
fn a_handle_of_another_connection_is_looked_up() {
    let before = Generation::first(NOW - Duration::from_secs(60));
    let stale = before.handle(&Id::parse(b"*5").unwrap());
    let command = Command::Revoke {
        session: session(7),
        address: address(),
        known: Some(stale),
    };
    let ours = format!(".id=*2;address=10.8.0.4;timeout=9m;comment={}", comment(8));
    let script = [(FIND, &*ours), ("LIST/remove =.id=*2", "done")];
    assert_eq!(carry_out(&[command], &script), [done()]);
}

#[test]
fn what_is_not_ours_is_not_revoked() {
    let foreign = ".id=*2;address=10.8.0.4;comment=printers | .id=*3;address=10.8.0.0/24;comment=x";
    assert_eq!(
        carry_out(&[revoke(None)], &[(FIND, foreign)]),
        [Applied::AlreadySo]
    );
}

#[test]
fn many_are_revoked_in_one_command() {
    let commands: Vec<Command> = (0..150).map(|n| revoke(Some(&format!("*{n:X}")))).collect();
    let list = |ids: std::ops::Range<u32>| {
        let ids: Vec<String> = ids.map(|n| format!("*{n:X}")).collect();
        format!("LIST/remove =.id={}", ids.join(","))
    };
    let script = [(&*list(0..100), "done"), (&*list(100..150), "done")];
    assert_eq!(carry_out(&commands, &script), vec![done(); 150]);
}

#[test]
fn one_bad_id_in_a_list_does_not_spoil_the_others() {
    let commands = [
        renew(handle("*5"), 600),
        renew(handle("*6"), 600),
        renew(handle("*7"), 60),
    ];
    let outcomes = carry_out(
        &commands,
        &[
            ("LIST/set =.id=*5,*6 =timeout=600s", "no no such item"),
            ("LIST/set =.id=*7 =timeout=60s", "done"),
            ("LIST/set =.id=*5 =timeout=600s", "done"),
            ("LIST/set =.id=*6 =timeout=600s", "no no such item"),
            (FIND, "done"),
        ],
    );
    assert_eq!(outcomes[0], done());
    assert!(reason(&outcomes[1]).contains("gone"));
    assert_eq!(outcomes[2], done());
}

#[test]
fn what_another_session_holds_is_not_renewed() {
    let taken = format!(".id=*9;address=10.8.0.4;timeout=9m;comment={}", comment(8));
    let outcomes = carry_out(&[renew("elsewhere".into(), 600)], &[(FIND, &taken)]);
    assert!(reason(&outcomes[0]).contains("gone"));
}

#[test]
fn a_router_that_sets_no_time_out_gets_a_new_entry() {
    let again = format!(
        "LIST/add =list=mikro2fa-permit =address=10.8.0.4 =timeout=600s =comment={}",
        comment(7)
    );
    let outcomes = carry_out(
        &[renew(handle("*5"), 600)],
        &[
            (
                "LIST/set =.id=*5 =timeout=600s",
                "no failure: can not change dynamic entry",
            ),
            ("LIST/remove =.id=*5", "done"),
            (&again, "done *6"),
        ],
    );
    let made = Some(handle("*6"));
    assert_eq!(outcomes, [Applied::Done { handle: made }]);
}

#[test]
fn a_ban_is_never_lifted_to_be_renewed() {
    let ban = Command::Ban {
        session: session(7),
        address: address(),
        lease: lease(30),
    };
    let find = FIND.replace("-permit", "-ban");
    let add = add_said(7).replace("-permit", "-ban");
    let ours = format!(".id=*5;address=10.8.0.4;timeout=9s;comment={}", comment(6));
    let set = format!("LIST/set =.id=*5 =timeout=30s =comment={}", comment(7));
    let exists = "no failure: already have such entry";
    let script = [(&*add, exists), (&*find, &*ours), (&*set, "done")];
    let made = Some(handle("*5"));
    let outcomes = carry_out(std::slice::from_ref(&ban), &script);
    assert_eq!(outcomes, [Applied::Done { handle: made }]);

    let for_ever = ".id=*5;address=10.8.0.4;comment=by hand";
    let script = [(&*add, exists), (&*find, for_ever)];
    assert_eq!(
        carry_out(std::slice::from_ref(&ban), &script),
        [Applied::AlreadySo]
    );
    let too_short = ".id=*5;address=10.8.0.4;timeout=5s;comment=by hand";
    let script = [(&*add, exists), (&*find, too_short)];
    assert!(reason(&carry_out(&[ban], &script)[0]).contains("by hand"));
}

#[test]
fn a_ban_is_lifted_where_it_is_ours() {
    let unban = Command::Unban {
        address: address(),
        known: Some(handle("*5")),
    };
    let script = [("LIST/remove =.id=*5", "done")];
    assert_eq!(carry_out(&[unban], &script), [done()]);
}

#[test]
fn prefixes_of_ipv6_have_a_menu_of_their_own() {
    let prefix = Prefix {
        address: "2001:db8:4::1".parse().unwrap(),
        length: 56,
    };
    let permit = Command::Permit {
        session: session(7),
        address: prefix,
        lease: lease(30),
    };
    let add = format!(
        "/ipv6/firewall/address-list/add =list=mikro2fa-permit =address=2001:db8:4::/56 \
         =timeout=30s =comment={}",
        comment(7)
    );
    assert!(matches!(
        carry_out(&[permit], &[(&add, "done *1")])[0],
        Applied::Done { .. }
    ));
    let host = Command::Revoke {
        session: session(7),
        address: Prefix::host("2001:db8:4::1".parse().unwrap()),
        known: None,
    };
    let find = "/ipv6/firewall/address-list/print =.proplist=.id,address,comment,timeout \
                ?=list=mikro2fa-permit ?=address=2001:db8:4::1 ?=address=2001:db8:4::1/128 ?#|";
    let absent = [(find, "no no such command prefix")];
    assert_eq!(carry_out(&[host], &absent), [Applied::AlreadySo]);
}

const WHO: &str = "/ppp/active/print =.proplist=.id,name,session-id ?=.id=*80000A";
const CUT: &str = "/ppp/active/remove =.id=*80000A";

#[test]
fn a_tunnel_is_compared_before_it_is_cut() {
    let ann = ".id=*80000A;name=ann;session-id=0x81C00002";
    assert_eq!(carry_out(&[cut()], &[(WHO, ann), (CUT, "done")]), [done()]);
    let gone = [(WHO, ann), (CUT, "no no such item")];
    assert_eq!(carry_out(&[cut()], &gone), [Applied::AlreadySo]);
    for other in [
        "done",
        ".id=*80000A;name=bob;session-id=0x81C00002",
        ".id=*80000A;name=ann;session-id=0x81C00003",
        ".id=*80000A;name=ann",
    ] {
        assert_eq!(
            carry_out(&[cut()], &[(WHO, other)]),
            [Applied::AlreadySo],
            "{other}"
        );
    }
}

#[test]
fn many_tunnels_are_compared_and_cut_together() {
    let of = |id: &str, account: &str| Command::CutTunnel {
        key: TunnelKey {
            router: site().router,
            source: TunnelSource::Ppp,
            handle: id.into(),
            nonce: None,
        },
        account: account.into(),
    };
    let commands = [of("*1", "ann"), of("*2", "bob"), of("*3", "eve")];
    let who = "/ppp/active/print =.proplist=.id,name,session-id \
               ?=.id=*1 ?=.id=*2 ?#| ?=.id=*3 ?#|";
    let script = [
        (who, ".id=*1;name=ann | .id=*2;name=ann | .id=*3;name=eve"),
        ("/ppp/active/remove =.id=*1,*3", "done"),
    ];
    let outcomes = carry_out(&commands, &script);
    assert_eq!(outcomes, [done(), Applied::AlreadySo, done()]);
}

#[test]
fn no_reply_is_unknown_where_something_was_changed_and_nothing_where_not() {
    assert_eq!(
        carry_out(&[permit(7)], &[(&add_said(7), "lost")]),
        [Applied::Unknown]
    );
    assert_eq!(
        carry_out(&[permit(7)], &[(&add_said(7), "not sent")]),
        [Applied::NotSent]
    );
    assert_eq!(
        carry_out(
            &[permit(7)],
            &[(&add_said(7), "no std failure: timeout (13)")]
        ),
        [Applied::Unknown]
    );
    assert_eq!(
        carry_out(&[revoke(None)], &[(FIND, "lost")]),
        [Applied::NotSent]
    );
    assert_eq!(
        carry_out(&[revoke(Some("*5"))], &[("LIST/remove =.id=*5", "lost")]),
        [Applied::Unknown]
    );
    assert_eq!(carry_out(&[cut()], &[(WHO, "lost")]), [Applied::NotSent]);
}

#[test]
fn a_list_without_a_reply_is_unknown_for_each() {
    let commands = [renew(handle("*5"), 600), renew(handle("*6"), 600)];
    let script = [("LIST/set =.id=*5,*6 =timeout=600s", "lost")];
    assert_eq!(
        carry_out(&commands, &script),
        [Applied::Unknown, Applied::Unknown]
    );
}

#[test]
fn a_login_without_rights_is_told_so() {
    let outcomes = carry_out(
        &[permit(7)],
        &[(&add_said(7), "no not enough permissions (9)")],
    );
    let expected = Applied::Refused {
        reason: "not enough permissions (9)".into(),
        retry: Retry::After(Duration::from_secs(30)),
    };
    assert_eq!(outcomes, [expected]);
}

#[test]
fn a_window_holds_no_more_than_it_may_and_the_rest_follows() {
    let site = site();
    let context = context(&site);
    let commands: Vec<Command> = (0..150)
        .map(|n| Command::Permit {
            session: session(7),
            address: Prefix::host(std::net::Ipv4Addr::from(0x0A08_0000 + n).into()),
            lease: lease(30),
        })
        .collect();
    let mut orders = Orders::new(&context, &commands);
    let mut windows = Vec::new();
    loop {
        let window = orders.next(NOW);
        if window.is_empty() {
            break;
        }
        windows.push(window.len());
        orders.hear(window.iter().map(|_| answer("done *1")).collect());
    }
    assert_eq!(windows, [64, 64, 22]);
    assert_eq!(orders.outcomes().len(), 150);
}

#[test]
fn where_nothing_runs_side_by_side_each_is_said_by_itself() {
    let site = site();
    let context = Context {
        window: 1,
        ..context(&site)
    };
    let commands = [permit(4), permit(5)];
    let mut orders = Orders::new(&context, &commands);
    for _ in 0..2 {
        assert_eq!(orders.next(NOW).len(), 1);
        orders.hear(vec![answer("done *1")]);
    }
    assert!(orders.next(NOW).is_empty());
}

#[test]
fn what_opens_is_guarded_by_the_tunnel_that_was_seen() {
    let site = site();
    let id = Id::parse(b"*A").unwrap();
    let still = ppp::still(&id, "ann", Some("0x1"));
    let context = Context {
        tunnels: BTreeMap::from([(address().address, still.clone())]),
        ..context(&site)
    };
    let commands = [permit(4)];
    let mut orders = Orders::new(&context, &commands);
    let window = orders.next(NOW);
    assert_eq!(window[0].guards(), [still]);
    // It is another's by now.
    orders.hear(vec![answer("no no such item")]);
    assert!(matches!(orders.outcomes()[..], [Applied::Refused { .. }]));
}
