//! What is left of sessions in the User Manager.

use super::*;

const FIND: &str = "/user-manager/session/print \
                    =.proplist=.id,user-address,nas-ip-address,active ?=user=ann";
const INCOMING: &str = "/radius/incoming/print =.proplist=accept,port";
const ROUTERS: &str = "/user-manager/router/print =.proplist=address,coa-port,disabled";
const CLOSE: &str = "/user-manager/session/close-session =.id=*3";
const LIVE: &str = ".id=*3;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=true";

fn close(script: &[(&str, &str)]) -> Applied {
    let command = Command::CloseSessions {
        account: "ann".into(),
        address: "10.8.0.4".parse().unwrap(),
    };
    carry_out(&[command], script).remove(0)
}

#[test]
fn live_records_are_closed_where_the_router_hears_of_it() {
    let script = [
        (FIND, LIVE),
        (INCOMING, "accept=true;port=3799"),
        (
            ROUTERS,
            "address=192.0.2.1;coa-port=1700 | address=127.0.0.1;coa-port=3799;disabled=false",
        ),
        (CLOSE, "done"),
    ];
    assert_eq!(close(&script), done());
}

#[test]
fn nothing_is_closed_that_is_not_live_or_not_at_that_address() {
    for rows in [
        "done",
        ".id=*3;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=false",
        ".id=*3;user-address=10.8.0.5;nas-ip-address=127.0.0.1;active=true",
    ] {
        assert_eq!(close(&[(FIND, rows)]), Applied::AlreadySo, "{rows}");
    }
}

#[test]
fn where_it_cannot_work_it_says_why() {
    for incoming in ["accept=false;port=3799", "port=3799", "accept=true;port=x"] {
        let outcome = close(&[(FIND, LIVE), (INCOMING, incoming)]);
        assert!(reason(&outcome).contains("accept=no"), "{incoming}");
    }
    for routers in [
        "address=127.0.0.1;coa-port=3799",
        "address=127.0.0.1;coa-port=1700;disabled=true",
        "address=192.0.2.1;coa-port=1700",
    ] {
        let script = [
            (FIND, LIVE),
            (INCOMING, "accept=true;port=1700"),
            (ROUTERS, routers),
        ];
        assert!(reason(&close(&script)).contains("1700"), "{routers}");
    }
}

#[test]
fn each_step_may_fail() {
    let whole = [
        (FIND, LIVE),
        (INCOMING, "accept=true;port=3799"),
        (ROUTERS, "address=127.0.0.1;coa-port=3799"),
        (CLOSE, "lost"),
    ];
    assert_eq!(close(&whole), Applied::Unknown, "it may have been done");
    for failing in 0..3 {
        let mut script = whole[..=failing].to_vec();
        script[failing].1 = "lost";
        assert_eq!(close(&script), Applied::NotSent, "only looked: {failing}");
        script[failing].1 = "no not enough permissions (9)";
        assert!(reason(&close(&script)).contains("permissions"));
    }
    let mut script = whole;
    script[3].1 = "no no such item";
    assert_eq!(close(&script), Applied::AlreadySo);
}
