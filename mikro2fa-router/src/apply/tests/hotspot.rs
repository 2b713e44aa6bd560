//! Ending a hotspot session for good.

use super::*;

const COMPARE: &str = "/ip/hotspot/active/print =.proplist=.id,user ?=.id=*5";
const COOKIES: &str = "/ip/hotspot/cookie/print =.proplist=.id ?=user=ann";
const FORGET: &str = "/ip/hotspot/cookie/remove =.id=*7,*8";
const END: &str = "/ip/hotspot/active/remove =.id=*5";
const HER: (&str, &str) = (COMPARE, ".id=*5;user=ann");
const TWO: (&str, &str) = (COOKIES, ".id=*7 | .id=*8");

pub(super) fn kick() -> Command {
    Command::CutTunnel {
        key: TunnelKey {
            router: site().router,
            source: TunnelSource::Hotspot,
            handle: "*5".into(),
            nonce: None,
        },
        account: "ann".into(),
    }
}

fn kicked(script: &[(&str, &str)]) -> Applied {
    carry_out(&[kick()], script).remove(0)
}

#[test]
fn cookies_go_before_the_session() {
    let script = [HER, TWO, (FORGET, "done"), (END, "done")];
    assert_eq!(kicked(&script), done());
    let script = [HER, (COOKIES, "done"), (END, "done")];
    assert_eq!(kicked(&script), done());
}

#[test]
fn anothers_session_is_left_alone() {
    for row in ["done", ".id=*5;user=bob", ".id=*6;user=ann"] {
        assert_eq!(kicked(&[(COMPARE, row)]), Applied::AlreadySo, "{row}");
    }
}

#[test]
fn a_cookie_that_stays_keeps_no_session_up_and_is_told() {
    let script = [
        HER,
        TWO,
        (FORGET, "no not enough permissions (9)"),
        (END, "done"),
    ];
    assert!(reason(&kicked(&script)).contains("permissions"));
    let script = [HER, (COOKIES, "no no such command prefix"), (END, "done")];
    assert!(reason(&kicked(&script)).contains("no such command"));
}

#[test]
fn cookies_that_lapse_meanwhile_are_looked_for_again_but_not_for_ever() {
    let gone = "no no such item";
    let script = [
        HER,
        TWO,
        (FORGET, gone),
        (COOKIES, ".id=*8"),
        ("/ip/hotspot/cookie/remove =.id=*8", "done"),
        (END, gone),
    ];
    assert_eq!(kicked(&script), Applied::AlreadySo);
    let script = [
        HER,
        TWO,
        (FORGET, gone),
        TWO,
        (FORGET, gone),
        TWO,
        (FORGET, gone),
        TWO,
        (END, "done"),
    ];
    assert_eq!(kicked(&script), done());
}

#[test]
fn a_lost_answer_is_unknown_once_something_may_have_changed() {
    assert_eq!(kicked(&[(COMPARE, "lost")]), Applied::NotSent);
    assert_eq!(kicked(&[HER, (COOKIES, "lost")]), Applied::NotSent);
    assert_eq!(kicked(&[HER, TWO, (FORGET, "lost")]), Applied::Unknown);
    let script = [HER, (COOKIES, "done"), (END, "lost")];
    assert_eq!(kicked(&script), Applied::Unknown);
}
