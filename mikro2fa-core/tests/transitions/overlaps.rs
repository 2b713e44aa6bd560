//! Two things at the same time.

use crate::player;

rows! {
    /// The dead client's row is still there when the new one comes: suspected ghost, cut, and only then resumed.
    overlap_from_the_same_caller: "
        request
        dial a
        yes
        wait 60s
        crash a
        dial b           | a gone, b passes, 1 active, asked 1, sessions 1
    ";

    /// From another caller: asked about, and a yes replaces the old one, which keeps its permit until then.
    overlap_from_another_caller: "
        request
        dial a
        yes
        dial b from hotel | a passes, b held, 2 challenged, card second question
        wait 1s
        yes              | a gone, b passes, 1 ended replaced, 2 active
    ";

    overlap_from_another_caller_denied: "
        request
        dial a
        yes
        dial b from hotel | a passes, b held
        no to 2          | b gone, 2 ended denied
    ";

    overlap_from_another_caller_refused: "
        given second tunnel refused
        request
        dial a
        yes
        dial b from hotel | a passes, b held, sessions 1, asked 1, told second_refused
    ";

    overlap_from_another_caller_both: "
        given both tunnels
        request
        dial a
        yes
        dial b from hotel | a passes, b held, 2 challenged
        yes              | a passes, b passes, 1 active, 2 active
    ";
}
