//! The gate itself: what follows when it is found broken, mended, switched off, or passed by.

use crate::player;

rows! {
    /// Somebody puts a rule above the gate that is not ours to move: what was not confirmed is cut, what was goes on.
    a_gate_that_does_not_hold_cuts_what_is_not_confirmed: "
        given max_prompts_per_hour 9
        dial b as bob
        dial a           | 2 challenged, a held
        yes              | a passes, b held
        dial c from hotel | 3 challenged, c held
        gate opens, not ours
        wait 59s         | c passes
        wait 2s          | c gone, b gone, a passes, alert gate, gate told broken
        dial d from hotel | d gone, judged cut: the gate does not hold
        wait 120s        | a passes
        gate repaired
        wait 61s         | gate told whole
        dial e from hotel | e held
    ";

    /// Nobody is asked about a tunnel that could not be held until the answer; the request stays.
    a_request_waits_for_the_gate: "
        gate opens, not ours
        wait 61s         | gate told broken
        request          | opened
        dial a           | a gone, asked 0, 1 requested
        gate repaired
        wait 61s
        dial a           | a held, 1 challenged, asked 1
        yes              | a passes
    ";

    /// What is ours is mended at once, and told; nobody had to be cut twice.
    a_gate_that_is_ours_to_mend_is_mended: "
        request
        dial a
        yes              | a passes, 1 active
        gate opens
        wait 61s         | a passes, 1 active, gate told whole, mended 1
        dial b from hotel | b held
    ";

    /// A rule that is missing and opens nothing: mended and told; nobody is cut.
    a_marred_gate_cuts_nobody: "
        dial a           | a held
        gate is marred
        wait 61s         | a held, 1 challenged, gate told whole, mended 1
    ";

    /// All jumps disabled by hand: drift, and closed at once.
    jumps_that_are_disabled_are_enabled_again: "
        given max_prompts_per_hour 9
        dial a           | a held
        gate is switched off
        wait 61s         | a gone, gate told whole, mended 1
        dial b           | b held
    ";

    /// Mending does not help: it is tried again, ever more slowly, and what is not confirmed stays out.
    mending_fails: "
        gate opens
        mending will be refused 3
        wait 61s         | gate told broken
        dial a           | a gone
        wait 30s         | gate told whole
        dial a           | a held
    ";

    /// The break-glass list: whoever stands on it is not cut, operators are told.
    who_is_on_the_emergency_list_stays: "
        given unowned are cut
        emergency a
        gate opens, not ours
        wait 61s         | alert emergency, alert gate
        dial a           | a passes, asked 1
    ";

    /// Found off when the engine starts: put right before anything is concluded from it.
    a_gate_that_was_off_at_the_start_is_switched_on_first: "
        dial a           | a held
        engine dies
        gate is switched off | a passes
        engine starts    | a held, gate told whole, mended 1
    ";

    /// On a router that answers, a gate that cannot be read is not taken for whole for ever.
    a_gate_that_cannot_be_read: "
        dial a           | a held
        gate cannot be read
        wait 70s         | a held
        wait 61s         | a gone, gate told broken
    ";

    /// Observing: the gate is meant to be open, and nothing is told.
    observing_minds_no_gate: "
        given observing
        dial a           | a passes
        wait 300s        | a passes, mended 0, gate told nothing
    ";
}
