//! The gate: seen as it is, and mended as far as it is ours.

use super::{GateDamage, RouterBench, Under, address, host};
use crate::{
    conformance::{ok, sample::MINUTE, some},
    gate::{GateFaultKind, GateSeen, Jumps},
    router_backend::{Applied, Command, Look, Observed},
};

const GATE: Look = Look {
    tunnels: super::Part::Nothing,
    permits: super::Part::Nothing,
    bans: super::Part::Nothing,
    accounts: super::Part::Nothing,
    rules: super::Part::Nothing,
    gate: true,
};

/// None from a backend that cannot judge gates, or a bench that cannot break one.
async fn under_gate<B: RouterBench>(bench: &B) -> Option<Under<'_, B>> {
    let under = Under::new(bench);
    let identity = ok(under.backend.identify().await, "identify");
    (identity.capabilities.gate && bench.can_damage_gate()).then_some(under)
}

async fn gate<B: RouterBench>(under: &Under<'_, B>) -> GateSeen {
    some(under.look(&GATE).await.gate, "the gate")
}

/// A gate as it was made is whole, and nothing else is told with it.
pub async fn a_whole_gate_is_seen_whole(bench: &impl RouterBench) {
    let Some(under) = under_gate(bench).await else {
        return;
    };
    let seen = under.look(&GATE).await;
    let gate = some(seen.gate.clone(), "the gate");
    assert!(gate.is_whole() && gate.holds(), "{gate:?}");
    assert_eq!(gate.emergency, []);
    let nothing = Observed {
        gate: seen.gate.clone(),
        ..Observed::default()
    };
    assert_eq!(seen, nothing, "only what was asked for");
    let complete = under.look(&Look::complete()).await;
    assert!(complete.gate.is_some(), "a complete look has the gate");
}

/// Whatever is done to it is seen; what opens it is told apart from what does not.
pub async fn damage_to_the_gate_is_seen(bench: &impl RouterBench) {
    let Some(under) = under_gate(bench).await else {
        return;
    };
    gate(&under).await; // some of it is known by how it was
    for &damage in bench.damages() {
        bench.damage_gate(damage).await;
        let seen = gate(&under).await;
        assert!(!seen.is_whole(), "{damage:?} is seen: {seen:?}");
        assert_eq!(seen.holds(), !damage.opens(), "{damage:?}: {seen:?}");
        assert!(seen.can_be_mended(), "{damage:?}: {seen:?}");
        let all_off = damage == GateDamage::DisablesAllJumps;
        assert_eq!(seen.jumps == Jumps::Disabled, all_off, "{seen:?}");
        mend(&under).await;
    }
}

async fn mend<B: RouterBench>(under: &Under<'_, B>) {
    let outcome = under.one(Command::MendGate).await;
    assert!(matches!(outcome, Applied::Done { .. }), "{outcome:?}");
    let seen = gate(under).await;
    assert!(seen.is_whole(), "mended: {seen:?}");
}

/// Whatever is ours is mended, also all of it at once; a whole gate is `AlreadySo`.
pub async fn a_damaged_gate_is_mended(bench: &impl RouterBench) {
    let Some(under) = under_gate(bench).await else {
        return;
    };
    gate(&under).await;
    assert_eq!(under.one(Command::MendGate).await, Applied::AlreadySo);
    for &damage in bench.damages() {
        bench.damage_gate(damage).await;
        mend(&under).await;
    }
    for &damage in bench.damages() {
        bench.damage_gate(damage).await;
    }
    mend(&under).await;
    assert_eq!(under.one(Command::MendGate).await, Applied::AlreadySo);
}

/// A rule of somebody else's above the gate is seen, and the gate is put above it; the rule is left alone.
pub async fn a_rule_above_the_gate_is_seen(bench: &impl RouterBench) {
    let Some(under) = under_gate(bench).await else {
        return;
    };
    bench.put_rule_above().await;
    let seen = gate(&under).await;
    assert!(!seen.holds(), "{seen:?}");
    let above = |fault: &crate::gate::GateFault| fault.kind == GateFaultKind::Above;
    assert!(seen.faults.iter().any(above), "{seen:?}");
    mend(&under).await;
}

/// Entries of the break-glass list are told with how long they live.
pub async fn emergency_entries_are_told(bench: &impl RouterBench) {
    let Some(under) = under_gate(bench).await else {
        return;
    };
    bench.put_emergency(address(9), 10 * MINUTE).await;
    let seen = gate(&under).await;
    assert!(seen.is_whole(), "it opens nothing but itself: {seen:?}");
    let [entry] = &*seen.emergency else {
        panic!("one entry: {:?}", seen.emergency);
    };
    assert_eq!(entry.address, host(9));
    super::about(entry.left, 10 * MINUTE);
    assert!(seen.is_emergency(address(9).into()) && !seen.is_emergency(address(8).into()));
}
