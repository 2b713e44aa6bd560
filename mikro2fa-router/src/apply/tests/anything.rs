//! Orders against a router that may say anything.

use proptest::prelude::*;

use super::{hotspot::kick, switches::forget, *};

/// What a router may say to anything.
const ANYTHING: [&str; 16] = [
    "done",
    "done *1F",
    "done 17",
    "lost",
    "not sent",
    "no no such item",
    "no failure: already have such entry",
    "no not enough permissions (9)",
    "no std failure: timeout (13)",
    "no no such command prefix",
    "no something new",
    ".id=*5;user=ann",
    ".id=*5;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=true",
    "accept=true;port=3799",
    "address=127.0.0.1;coa-port=3799",
    ".id=*5;address=10.8.0.4;name=ann;session-id=0x81C00002;disabled=true;src-address=10.8.0.4",
];

fn any_answer() -> impl Strategy<Value = Answer> {
    let ours = format!(".id=*6;address=10.8.0.4;timeout=9m;comment={}", comment(7));
    prop_oneof![
        proptest::sample::select(&ANYTHING[..]).prop_map(answer),
        Just(answer(&ours)),
    ]
}

fn every_order() -> Vec<Command> {
    vec![
        permit(7),
        Command::Ban {
            session: session(7),
            address: address(),
            lease: lease(30),
        },
        Command::Unban {
            address: address(),
            known: None,
        },
        revoke(None),
        revoke(Some("*5")),
        renew(handle("*5"), 600),
        renew("elsewhere".into(), 600),
        cut(),
        Command::SetAccount {
            source: SourceKind::PppSecrets,
            name: "ann".into(),
            enabled: false,
        },
        Command::SetAccount {
            source: SourceKind::UserManager,
            name: "ann".into(),
            enabled: true,
        },
        Command::CloseSessions {
            account: "ann".into(),
            address: "10.8.0.4".parse().unwrap(),
        },
        kick(),
        Command::SetRule {
            comment: "ann 2FA".into(),
            known: None,
            enabled: true,
        },
        forget(),
    ]
}

proptest! {
    /// Whatever a router answers, all orders come to an end, each with an outcome.
    #[test]
    fn orders_end_whatever_the_router_says(
        said in proptest::collection::vec(any_answer(), 60),
        order in proptest::collection::vec(0..14_usize, 1..20),
    ) {
        let all = every_order();
        let commands: Vec<Command> = order.iter().map(|&n| all[n].clone()).collect();
        let (site, mut said) = (site(), said.into_iter().cycle());
        let context = context(&site);
        let mut orders = Orders::new(&context, &commands);
        for _ in 0..12 {
            let window = orders.next(NOW);
            orders.hear(window.iter().filter_map(|_| said.next()).collect());
        }
        prop_assert!(orders.next(NOW).is_empty(), "still something to say");
        prop_assert_eq!(orders.outcomes().len(), commands.len());
    }

    /// A permit is done only if its very last word was an entry of ours that the router made.
    #[test]
    fn nothing_is_called_permitted_that_was_not_made(
        said in proptest::collection::vec(any_answer(), 12),
    ) {
        let (site, commands) = (site(), [permit(7)]);
        let context = context(&site);
        let mut orders = Orders::new(&context, &commands);
        let mut made = false;
        for answer in said {
            let window = orders.next(NOW);
            let Some(sentence) = window.first() else { break };
            made = sentence.path() == crate::sentence::Path::ListAdd
                && matches!(answer.end, End::Done { .. });
            orders.hear(vec![answer]);
        }
        let outcome = orders.outcomes().remove(0);
        prop_assert_eq!(matches!(outcome, Applied::Done { .. }), made);
        prop_assert_ne!(outcome, Applied::AlreadySo);
    }
}
