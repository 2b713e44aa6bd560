//! Logins, rules, tracked connections.

use super::*;

#[test]
fn a_login_is_switched_by_name_and_only_if_need_be() {
    let switch = |enabled| Command::SetAccount {
        source: SourceKind::PppSecrets,
        name: "ann".into(),
        enabled,
    };
    let find = "/ppp/secret/print =.proplist=.id,disabled ?=name=ann";
    let set = "/ppp/secret/set =.id=*3 =disabled=no";
    let script = [(find, ".id=*3;disabled=true"), (set, "done")];
    assert_eq!(carry_out(&[switch(true)], &script), [done()]);
    let script = [(find, ".id=*3;disabled=true")];
    assert_eq!(carry_out(&[switch(false)], &script), [Applied::AlreadySo]);
    let outcomes = carry_out(&[switch(true)], &[(find, "done")]);
    assert!(reason(&outcomes[0]).contains("no login is named `ann`"));
}

#[test]
fn a_login_of_a_user_manager_is_switched_and_nothing_else_of_it_is_touched() {
    let switch = |enabled| Command::SetAccount {
        source: SourceKind::UserManager,
        name: "ann".into(),
        enabled,
    };
    let find = "/user-manager/user/print =.proplist=.id,disabled ?=name=ann";
    let set = "/user-manager/user/set =.id=*3 =disabled=yes";
    let script = [(find, ".id=*3;disabled=false"), (set, "done")];
    assert_eq!(carry_out(&[switch(false)], &script), [done()]);
    let script = [(find, ".id=*3;disabled=false")];
    assert_eq!(carry_out(&[switch(true)], &script), [Applied::AlreadySo]);
    let outcomes = carry_out(&[switch(true)], &[(find, "done")]);
    assert!(reason(&outcomes[0]).contains("User Manager"));
    let two = [(find, ".id=*3;disabled=false | .id=*4;disabled=false")];
    assert!(reason(&carry_out(&[switch(false)], &two)[0]).contains("not exactly one"));
}

#[test]
fn where_there_is_no_user_manager_nothing_is_said_to_it() {
    let site = site();
    let mut context = context(&site);
    context.user_manager = None;
    let commands = [
        Command::SetAccount {
            source: SourceKind::UserManager,
            name: "ann".into(),
            enabled: false,
        },
        Command::CloseSessions {
            account: "ann".into(),
            address: "10.8.0.4".parse().unwrap(),
        },
    ];
    let mut orders = Orders::new(&context, &commands);
    assert!(orders.next(NOW).is_empty());
    let outcomes = orders.outcomes();
    assert!(reason(&outcomes[0]).contains("no User Manager"));
    assert_eq!(outcomes[1], Applied::AlreadySo);
}

#[test]
fn a_rule_is_switched_only_if_there_is_exactly_one() {
    let switch = |comment: &str| Command::SetRule {
        comment: comment.into(),
        known: Some(handle("*1")),
        enabled: true,
    };
    let find = "/ip/firewall/filter/print =.proplist=.id,disabled,dynamic ?=comment=ann 2FA";
    let set = "/ip/firewall/filter/set =.id=*3 =disabled=no";
    let script = [
        (find, ".id=*3;disabled=true | .id=*4;dynamic=true"),
        (set, "done"),
    ];
    assert_eq!(carry_out(&[switch("ann 2FA")], &script), [done()]);
    let two = [(find, ".id=*3;disabled=true | .id=*4;disabled=true")];
    assert!(reason(&carry_out(&[switch("ann 2FA")], &two)[0]).contains("not exactly one"));
    assert!(reason(&carry_out(&[switch("ann 2FA")], &[(find, "done")])[0]).contains("no rule"));
    assert!(reason(&carry_out(&[switch("ann")], &[])[0]).contains("2FA"));
}

const COUNT: &str = "/ip/firewall/connection/print =count-only=";
const TRACKED: &str = "/ip/firewall/connection/print =.proplist=.id,src-address,dst-address";

pub(super) fn forget() -> Command {
    Command::ForgetConnections {
        address: "10.8.0.4".parse().unwrap(),
    }
}

#[test]
fn connections_of_an_address_are_forgotten() {
    let table = ".id=*1;src-address=10.8.0.4:51820;dst-address=10.0.0.1:443 \
                 | .id=*2;src-address=10.8.0.40:51820;dst-address=10.0.0.1 \
                 | .id=*3;src-address=10.0.0.1;dst-address=10.8.0.4";
    let outcomes = carry_out(
        &[forget()],
        &[
            (COUNT, "done 4999"),
            (TRACKED, table),
            (
                "/ip/firewall/connection/remove =.id=*1,*3",
                "no no such item (4)",
            ),
            ("/ip/firewall/connection/remove =.id=*3", "done"),
            (
                "/ip/firewall/connection/remove =.id=*1",
                "no no such item (4)",
            ),
        ],
    );
    assert_eq!(outcomes, [done()]);
    let none = [(COUNT, "done 2"), (TRACKED, "done")];
    assert_eq!(carry_out(&[forget()], &none), [Applied::AlreadySo]);
}

#[test]
fn a_large_table_is_not_read() {
    let outcomes = carry_out(&[forget()], &[(COUNT, "done 5000")]);
    assert!(reason(&outcomes[0]).contains("5000"));
}
