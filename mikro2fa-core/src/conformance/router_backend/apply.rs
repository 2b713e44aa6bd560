//! Cutting, logins, rules, and what holds for every batch.

use std::net::IpAddr;

use super::{Means, RouterBench, Under, address, host, is_done, is_refused};
use crate::{
    conformance::sample::{MINUTE, SECOND},
    desk::SourceKind,
    router_backend::{Applied, Command, Fence, Jumps, RouterError},
    tunnel::Tunnel,
};

fn cut(tunnel: &Tunnel) -> Command {
    Command::CutTunnel {
        key: tunnel.key.clone(),
        account: tunnel.account.clone(),
    }
}

fn set_account(name: &str, enabled: bool) -> Command {
    Command::SetAccount {
        source: SourceKind::PppSecrets,
        name: name.into(),
        enabled,
    }
}

fn set_rule(comment: &str, enabled: bool) -> Command {
    Command::SetRule {
        comment: comment.into(),
        known: None,
        enabled,
    }
}

/// An empty batch is no error.
pub async fn an_empty_batch_does_nothing(bench: &impl RouterBench) {
    assert_eq!(Under::new(bench).apply(&[]).await, []);
}

/// Each command has its own outcome, in order; one that is refused stops none of the others.
pub async fn each_command_has_its_outcome(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    bench.add_rule("2FA ann", false).await;
    let outcomes = under
        .apply(&[
            set_account("nobody", false),
            under.permit(under.ids.session(), 4),
            set_rule("2FA nobody", true),
            set_rule("2FA ann", false),
            set_rule("2FA ann", true),
        ])
        .await;
    assert!(is_refused(&outcomes[0]), "{outcomes:?}");
    assert!(is_done(&outcomes[1]), "{outcomes:?}");
    assert!(is_refused(&outcomes[2]), "{outcomes:?}");
    assert_eq!(under.permitted().await, [host(4)]);
    assert_eq!(bench.rules("2FA ann").await.len(), 1);
}

/// A tunnel is cut, and no other; once more, it was so already.
pub async fn cutting_twice_is_already_so(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4), ("bob", 5)]).await;
    let tunnel = under.tunnel_of("ann").await;
    assert!(is_done(&under.one(cut(&tunnel)).await));
    assert!(!bench.is_up("ann").await);
    assert!(bench.is_up("bob").await);
    assert_eq!(under.one(cut(&tunnel)).await, Applied::AlreadySo);
}

/// The key of a tunnel that has gone does not cut the one that came after it.
pub async fn an_old_key_cuts_no_new_tunnel(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let old = under.tunnel_of("ann").await;
    bench.hang_up("ann").await;
    bench.dial("ann", address(4)).await;
    let outcome = under.one(cut(&old)).await;
    assert!(!is_done(&outcome), "the one it names has gone: {outcome:?}");
    assert!(bench.is_up("ann").await);
}

/// A tunnel is cut only if it is of the account that is named: ids are used again.
pub async fn another_accounts_tunnel_is_not_cut(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let mut tunnel = under.tunnel_of("ann").await;
    tunnel.account = "bob".into();
    let outcome = under.one(cut(&tunnel)).await;
    assert!(!is_done(&outcome), "{outcome:?}");
    assert!(bench.is_up("ann").await);
}

/// Tracked connections of an address are forgotten; where there are none, it was so already.
pub async fn connections_are_forgotten(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let (its, other) = (IpAddr::V4(address(4)), IpAddr::V4(address(5)));
    bench.track(its).await;
    bench.track(other).await;
    let forget = Command::ForgetConnections { address: its };
    assert!(is_done(&under.one(forget.clone()).await));
    assert!(!bench.tracks(its).await);
    assert!(bench.tracks(other).await, "another's stay");
    assert_eq!(under.one(forget).await, Applied::AlreadySo);
}

/// A login is disabled and enabled, and no other; what is so already is `AlreadySo`.
pub async fn an_account_is_disabled_and_enabled(bench: &impl RouterBench) {
    let under = Under::new(bench);
    for name in ["ann", "ann2"] {
        bench.add_account(name).await;
    }
    for enabled in [false, true] {
        assert!(is_done(&under.one(set_account("ann", enabled)).await));
        assert_eq!(bench.is_enabled("ann").await, enabled);
        let again = under.one(set_account("ann", enabled)).await;
        assert_eq!(again, Applied::AlreadySo);
        assert!(
            bench.is_enabled("ann2").await,
            "another login is left alone"
        );
    }
}

/// A login that the router does not have is refused.
pub async fn an_unknown_account_is_refused(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_account("ann").await;
    let outcome = under.one(set_account("Ann", false)).await;
    assert!(is_refused(&outcome), "names are exact: {outcome:?}");
    assert!(bench.is_enabled("ann").await);
}

/// A rule is enabled and disabled, found by its whole comment; what is so already is `AlreadySo`.
pub async fn a_rule_is_enabled_and_disabled(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_rule("2FA ann", false).await;
    bench.add_rule("2FA ann, server room", false).await;
    for enabled in [true, false] {
        assert!(is_done(&under.one(set_rule("2FA ann", enabled)).await));
        assert_eq!(bench.rules("2FA ann").await, [enabled]);
        let again = under.one(set_rule("2FA ann", enabled)).await;
        assert_eq!(again, Applied::AlreadySo);
        assert_eq!(bench.rules("2FA ann, server room").await, [false]);
    }
}

/// Where two rules have the comment, neither is touched.
pub async fn an_ambiguous_rule_is_refused(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_rule("2FA ann", false).await;
    bench.add_rule("2FA ann", false).await;
    let outcome = under.one(set_rule("2FA ann", true)).await;
    assert!(is_refused(&outcome), "{outcome:?}");
    assert_eq!(bench.rules("2FA ann").await, [false, false]);
}

/// A rule that is not there any more is refused, even if its id is still known.
pub async fn a_vanished_rule_is_refused(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_rule("2FA ann", false).await;
    bench.add_rule("2FA bob", false).await;
    let look = crate::router_backend::Look {
        rules: crate::router_backend::Part::All,
        ..Default::default()
    };
    let seen = under.look(&look).await.rules;
    let known = seen.and_then(|seen| {
        let row = seen.rows.iter().find(|row| &*row.comment == "2FA ann");
        row.map(|row| row.handle.clone())
    });
    assert!(known.is_some(), "the rule was seen");
    bench.remove_rules("2FA ann").await;
    let outcome = under
        .one(Command::SetRule {
            comment: "2FA ann".into(),
            known,
            enabled: true,
        })
        .await;
    assert!(is_refused(&outcome), "{outcome:?}");
    assert_eq!(bench.rules("2FA bob").await, [false]);
}

/// A rule without `2FA` in its comment is not seen, so it is not changed either.
pub async fn an_unmarked_rule_is_not_changed(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_rule("office network", true).await;
    let outcome = under.one(set_rule("office network", false)).await;
    assert!(is_refused(&outcome), "{outcome:?}");
    assert_eq!(bench.rules("office network").await, [true]);
}

/// The gate is opened and shut as one, and seen as it is; doing it again is `AlreadySo`.
pub async fn the_gate_is_switched(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let jumps = async || {
        let look = crate::router_backend::Look {
            gate: true,
            ..Default::default()
        };
        under.look(&look).await.gate.map(|seen| seen.jumps)
    };
    let turn = |enabled| Command::SetGate { enabled };
    under.one(turn(true)).await;
    assert_eq!(jumps().await, Some(Jumps::Enabled));
    for (enabled, seen) in [(false, Jumps::Disabled), (true, Jumps::Enabled)] {
        let outcome = under.one(turn(enabled)).await;
        assert!(is_done(&outcome), "{outcome:?}");
        assert_eq!(jumps().await, Some(seen));
        assert_eq!(under.one(turn(enabled)).await, Applied::AlreadySo);
        assert_eq!(jumps().await, Some(seen));
    }
}

/// Names and comments with anything in them name what they are, and nothing else.
pub async fn hostile_names_are_only_names(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let names = [
        "=disabled=yes",
        "a\"; /system reset; \"",
        "$name [find]",
        "O'Brien \\",
        "Zoë 🙂",
        "*1",
        "?name=ann",
    ];
    for name in names {
        bench.add_account(name).await;
    }
    bench.add_account("ann").await;
    for name in names {
        let outcome = under.one(set_account(name, false)).await;
        assert!(is_done(&outcome), "{name}: {outcome:?}");
        assert!(!bench.is_enabled(name).await, "{name}");
    }
    assert!(bench.is_enabled("ann").await, "nobody else was touched");
}

/// Who has no right to act any more does nothing: `Fenced`, before anything was written.
pub async fn a_fence_that_is_over_stops_everything(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let over = Fence {
        until: bench.now(),
        ..under.fence(1)
    };
    let tunnel = under.tunnel_of("ann").await;
    let commands = [under.permit(under.ids.session(), 4), cut(&tunnel)];
    let result = under.backend.apply(&over, &commands).await;
    assert_eq!(result, Err(RouterError::Fenced));
    assert_eq!(under.permitted().await, []);
    assert!(bench.is_up("ann").await, "closing needs the right, too");
}

/// A fence that is good for a while yet lets through.
pub async fn a_fence_that_holds_lets_through(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let good = Fence {
        until: bench.now() + MINUTE,
        ..under.fence(1)
    };
    let permit = [under.permit(under.ids.session(), 4)];
    let outcomes = under.backend.apply(&good, &permit).await;
    assert!(
        outcomes
            .as_ref()
            .is_ok_and(|outcomes| is_done(&outcomes[0])),
        "{outcomes:?}"
    );
    if !bench.lacks(Means::Advance) {
        bench.advance(MINUTE + SECOND).await;
        let result = under.backend.apply(&good, &permit).await;
        assert_eq!(result, Err(RouterError::Fenced), "it is over by now");
    }
}
