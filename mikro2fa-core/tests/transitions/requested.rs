//! Somebody asked for access and has not dialled yet.

use crate::player;

rows! {
    /// Its tunnel comes within the window.
    requested_and_it_comes: "
        request          | 1 requested, card connect_now
        dial a           | 1 challenged, a held, card requested question
        yes              | 1 active, a passes, card open
    ";

    /// The account was not seen enabled when somebody's tunnel came up: asked, and said so.
    requested_and_somebody_is_quicker: "
        given ann handed over
        enabling will be lost 3
        request          | 1 requested, ann disabled, card preparing
        somebody enables ann
        dial a           | 1 challenged, a held, card requested question early
    ";

    requested_and_it_comes_while_the_router_is_away: "
        router away 30s
        wait 16s
        request          | 1 requested, card requested_no_contact
        dial a
        wait 60s         | 1 challenged, a held, asked 1
    ";

    /// Asking again renews the window, and opens no second session.
    requested_again: "
        request          | opened
        wait 1700s
        request          | exists, sessions 1, 1 requested
        wait 1700s       | 1 requested
        wait 110s        | 1 ended never connected
    ";

    /// The window's end: an account that was handed over is disabled; a tunnel found then is unrequested.
    requested_and_it_never_comes: "
        given ann handed over
        wait 1s          | ann disabled
        dial a           | disabled
        request          | ann enabled, card connect_now
        wait 1799s       | ann enabled
        wait 2s          | 1 ended never connected, ann disabled
    ";

    requested_too_late: "
        request
        wait 1801s       | 1 ended never connected
        dial a           | a held, 2 challenged, card unrequested question
    ";

    /// Somebody disabled the account by hand: it is not enabled against them.
    requested_and_disabled_by_hand: "
        given ann disabled
        request          | opened, 1 ended disabled on router, ann disabled
    ";

    /// Told so, no promise; the request is kept.
    requested_while_the_router_is_away: "
        router away 60s
        wait 16s
        request          | opened, 1 requested, card requested_no_contact
        wait 90s         | 1 requested, card connect_now
    ";
}
