//! The end of a session, and what remains of it.

use crate::player;

rows! {
    /// The reminder's buttons add to the old end, and are used once.
    expiring_and_extended: "
        given session_duration 4h
        request
        dial a
        yes
        wait 3h          | 1 expiring, card reminder, a passes
        extend 60        | counted, 1 active, card open
        extend 60 with used buttons | ignored offerused, 1 active
        wait 3500s       | a passes
        wait 3500s       | a passes
        wait 300s        | a gone, 1 ended expired
    ";

    /// Not past `max_total`, whoever extends.
    expiring_and_extended_too_far: "
        given session_duration 4h
        given max_total 5h
        request
        dial a
        yes
        wait 3h          | 1 expiring
        extend 240       | ignored overlimit, 1 expiring
        extend 60        | counted, 1 active
        operator extends 1 | ignored overlimit, 1 active
        wait 3h          | 1 ended expired, a gone
    ";

    /// The reminder of a short session comes at half time.
    expiring_comes_at_half_time_of_a_short_session: "
        given session_duration 1h
        request
        dial a
        yes
        wait 29m         | 1 active
        wait 2m          | 1 expiring, card reminder
    ";

    /// Valid until the old end, also while the router is away.
    expiring_and_extended_while_the_router_is_away: "
        given session_duration 2h
        request
        dial a
        yes
        wait 1h          | 1 expiring
        wait 3400s
        router away 5m
        wait 120s
        extend 60        | counted, 1 active
        wait 300s        | 1 active, a passes
    ";

    /// A tap after the end opens nothing.
    ended_and_extended: "
        given session_duration 2h
        request
        dial a
        yes
        wait 1h          | 1 expiring
        wait 3601s       | 1 ended expired, a gone
        extend 60        | ignored stale, 1 ended expired
        yes              | ignored stale, 1 ended expired, permits 0
    ";

    /// An expiring session resumes nothing.
    expiring_and_the_tunnel_goes: "
        given session_duration 2h
        request
        dial a
        yes
        wait 1h          | 1 expiring
        hang up a        | 1 ended tunnel gone
        dial b           | b held, asked 2
    ";

    /// Grace runs no longer than the session itself.
    grace_ends_with_the_session: "
        given session_duration 10m
        given reconnect_grace 10m
        request
        dial a
        yes
        wait 4m
        hang up a        | 1 grace
        wait 350s        | 1 grace
        wait 20s         | 1 ended expired
    ";

    ended_by_an_operator: "
        request
        dial a
        yes
        operator ends    | counted, 1 ended ended by operator, a gone, permits 0
        dial b           | b held, asked 2
    ";
}
