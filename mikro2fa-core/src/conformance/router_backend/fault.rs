//! Replies that do not come: neither done nor failed.

use super::{Means, RouterBench, Under, host, is_done};
use crate::{
    conformance::{sample::MINUTE, start_and_drop},
    router_backend::{Applied, Command, Look},
};

/// A command whose reply is lost is `Unknown`, though it was done; the next look shows it, and giving the order again is
/// one entry.
pub async fn a_lost_reply_is_unknown(bench: &impl RouterBench) {
    if bench.lacks(Means::LoseReply) {
        return;
    }
    let under = Under::new(bench);
    let permit = under.permit(under.ids.session(), 4);
    bench.lose_next_reply().await;
    assert_eq!(under.one(permit.clone()).await, Applied::Unknown);
    let seen = under.look(&Look::complete()).await;
    assert!(
        seen.permits.is_some_and(|seen| seen.rows.len() == 1),
        "the next look shows what became of it"
    );
    assert!(is_done(&under.one(permit).await));
    assert_eq!(under.permitted().await, [host(4)]);
}

/// A command that was lost on its way looks the same: `Unknown`.
pub async fn a_lost_command_is_unknown(bench: &impl RouterBench) {
    if bench.lacks(Means::LoseCommand) {
        return;
    }
    let under = Under::new(bench);
    let permit = under.permit(under.ids.session(), 4);
    bench.lose_next_command().await;
    assert_eq!(under.one(permit.clone()).await, Applied::Unknown);
    assert_eq!(under.permitted().await, []);
    assert!(
        is_done(&under.one(permit).await),
        "the next one goes through"
    );
}

/// A closing command whose reply was lost is given again, and was so already.
pub async fn a_lost_revoke_is_given_again(bench: &impl RouterBench) {
    if bench.lacks(Means::LoseReply) {
        return;
    }
    let under = Under::new(bench);
    let session = under.ids.session();
    under.one(under.permit(session, 4)).await;
    let revoke = Command::Revoke {
        session,
        address: host(4),
        known: None,
    };
    bench.lose_next_reply().await;
    assert_eq!(under.one(revoke.clone()).await, Applied::Unknown);
    assert_eq!(under.one(revoke).await, Applied::AlreadySo);
    assert_eq!(under.permitted().await, []);
}

/// Once a byte was written there is an outcome for each command, never an error: what was sent behind a lost reply is
/// unknown, done, or was not sent, and nothing is claimed that is not so.
pub async fn once_written_each_has_an_outcome(bench: &impl RouterBench) {
    if bench.lacks(Means::LoseReply) {
        return;
    }
    let under = Under::new(bench);
    let session = under.ids.session();
    let permits = [4, 5, 6].map(|last| under.permit(session, last));
    bench.lose_next_reply().await;
    let outcomes = under.apply(&permits).await;
    assert_eq!(outcomes[0], Applied::Unknown);
    let permitted = under.permitted().await;
    for (outcome, last) in outcomes.iter().zip([4, 5, 6]) {
        let is_there = permitted.contains(&host(last));
        match outcome {
            Applied::Done { .. } => assert!(is_there, "done, and not there: {last}"),
            Applied::NotSent => assert!(!is_there, "not sent, and there: {last}"),
            Applied::Unknown => {}
            other => panic!("neither of what can be: {other:?}"),
        }
    }
}

/// A batch that is dropped in the middle is as unknown as a lost reply: whatever became of it, the backend goes on, and
/// each address has at most one entry.
pub async fn a_dropped_batch_breaks_nothing(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    let permits = [4, 5, 6].map(|last| under.permit(session, last));
    let fence = under.fence(1);
    start_and_drop(under.backend.apply(&fence, &permits));
    let outcomes = under.apply(&permits).await;
    assert!(outcomes.iter().all(is_done), "{outcomes:?}");
    let mut permitted = under.permitted().await;
    permitted.sort();
    assert_eq!(permitted, [host(4), host(5), host(6)]);
}

/// After a reboot the backend finds its way back by itself.
pub async fn a_reboot_breaks_nothing(bench: &impl RouterBench) {
    if bench.lacks(Means::Reboot) {
        return;
    }
    let under = Under::new(bench);
    under.one(under.permit(under.ids.session(), 4)).await;
    bench.reboot().await;
    // The connection is broken: the first call may find that out the hard way, the next one must not.
    let _ = under.backend.observe(&Look::complete()).await;
    under.look(&Look::complete()).await;
    let permit = Command::Permit {
        session: under.ids.session(),
        address: host(5),
        lease: under.lease(MINUTE),
    };
    assert!(is_done(&under.one(permit).await));
}
