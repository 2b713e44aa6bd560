//! Confirmed, and the router has yet to let it through.

use crate::player;

rows! {
    /// Looked at, granted a short lease, looked at again, and only then the full one.
    opening_looks_twice: "
        request
        dial a
        yes              | 1 active, a passes, first lease 30s, a leased 600s
    ";

    /// A command whose reply did not come is neither done nor failed: looked for, and then as ever.
    opening_and_the_reply_is_lost: "
        request
        dial a
        permit's reply will be lost
        yes
        wait 60s         | 1 active, a passes
    ";

    /// Its tunnel is replaced before the permit lands, by somebody who gets its address.
    opening_and_the_tunnel_is_replaced: "
        request
        dial a
        router away 20s
        yes              | counted, 1 opening
        hand a over to bob as b
        wait 60s         | b held, 1 ended tunnel gone, permits 0
    ";

    /// The permit command comes through when the session is long over: revoked, not left.
    opening_and_the_permit_comes_late: "
        request
        dial a
        permit will be late 20s
        yes              | a held
        not me           | 1 ended denied
        wait 90s         | permits 0
    ";

    /// The router refuses: its owner does not think that they are in, operators know why.
    opening_and_the_router_refuses: "
        request
        dial a
        permit will be refused
        yes              | 1 ended not opened, a held, permits 0, alert not_opened, card ended_not_opened
    ";

    /// Given up after two minutes of a router that answers.
    opening_and_nothing_opens: "
        request
        dial a
        permits will be lost 40
        yes              | 1 opening, a held
        wait 119s        | 1 opening, a held
        wait 2s          | 1 ended not opened, a held, alert not_opened
        wait 120s        | a held, permits 0
    ";

    /// Not while it does not answer: then until the session's own end.
    opening_while_the_router_is_away: "
        given session_duration 10m
        request
        dial a
        router away 1h
        wait 16s
        yes              | 1 opening
        wait 590s        | 1 opening, a held
        wait 20s         | 1 ended expired, a held
        wait 1h          | a gone, permits 0
    ";
}
