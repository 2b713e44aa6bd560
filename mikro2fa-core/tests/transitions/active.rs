//! Let through.

use crate::player;

rows! {
    /// The permit lapsed while nobody renewed it: the same tunnel gets it again.
    active_and_the_permit_lapsed: "
        request
        dial a
        yes              | a passes
        engine dies
        wait 700s        | a held
        engine starts    | a passes, 1 active, asked 1
    ";

    active_and_the_router_was_away_for_longer_than_a_lease: "
        request
        dial a
        yes              | a passes
        router away 20m
        wait 19m         | a held, 1 active
        wait 90s         | a passes, 1 active, asked 1
    ";

    /// The permit was taken by hand: respected, and not given back.
    active_and_the_permit_is_taken_by_hand: "
        request
        dial a
        yes
        somebody takes a | a held
        wait 310s        | 1 ended disabled on router, permits 0, alert drift_respected
        wait 10m         | permits 0, asked 1
    ";

    /// The account was disabled by hand: the session ends, and it stays so.
    active_and_the_account_is_disabled_by_hand: "
        given ann handed over
        request          | ann enabled
        dial a
        yes              | a passes
        somebody disables ann
        wait 16s         | 1 ended disabled on router, a gone, ann disabled, alert drift_respected
        wait 60s         | ann disabled
    ";

    /// A reboot takes every permit and every tunnel; a redial resumes without a question.
    active_and_the_router_reboots: "
        request
        dial a
        yes
        wait 60s
        router reboots
        wait 20s         | a gone, 1 grace, permits 0
        dial b           | b passes, 1 active, asked 1
    ";

    /// Gone from a complete look: what it had is revoked at once, and its time goes on.
    active_and_the_tunnel_goes: "
        request
        dial a
        yes
        wait 60s
        hang up a        | 1 grace, permits 0
        wait 59s         | 1 grace
        wait 2s          | 1 ended tunnel gone
        dial b           | b held, 2 challenged
    ";

    active_and_the_tunnel_comes_back: "
        request
        dial a
        yes
        wait 60s
        hang up a        | 1 grace, permits 0
        wait 30s
        dial b           | b passes, 1 active, asked 1, sessions 1, card resumed
    ";

    /// Three in a row; the fourth is asked about.
    active_and_the_tunnel_comes_back_again_and_again: "
        request
        dial a
        yes
        hang up a
        dial b           | 1 active, b passes
        hang up b
        dial c           | 1 active, c passes
        hang up c
        dial d           | 1 active, d passes
        hang up d        | 1 ended tunnel gone
        dial e           | e held, 2 challenged
    ";

    /// … not from elsewhere, not from a caller that is no address, not when policy says so.
    active_and_another_comes_from_elsewhere: "
        request
        dial a
        yes
        hang up a        | 1 grace
        dial b from hotel | b held, asked 2
    ";

    active_and_another_comes_from_a_mac: "
        request
        dial a from a mac
        yes
        hang up a        | 1 grace
        dial b from a mac | b held, asked 2
    ";

    active_and_nothing_resumes: "
        given no resume
        request
        dial a
        yes
        hang up a        | 1 ended tunnel gone
        dial b           | b held, asked 2
    ";

    /// Somebody else logged in from the same caller within a day: everybody behind that NAT is one caller.
    active_and_the_caller_is_shared: "
        request
        dial a from bob's
        yes              | a passes
        dial b as bob    | b held
        hang up a        | 1 grace, permits 0
        dial c from bob's | c held, asked 2
    ";

    active_and_the_caller_is_shared_and_any_resumes: "
        given any caller resumes
        request
        dial a from bob's
        yes              | a passes
        dial b as bob    | b held
        hang up a        | 1 grace, permits 0
        dial c from bob's | c passes, asked 1
    ";

    /// Absence counts only in a complete look.
    active_and_a_look_breaks_off: "
        request
        dial a
        yes
        hints are lost
        look breaks off
        wait 16s         | 1 active, a passes
        wait 60s         | 1 active, a passes
    ";

    /// An unreachable router's tunnels are neither up nor gone; past the end it is over all the same.
    active_and_the_router_is_away_at_its_end: "
        given ann handed over
        given session_duration 1h
        request
        dial a
        yes              | a passes
        wait 1700s       | a passes
        router away 1h
        wait 1880s       | a held
        wait 60s         | 1 ended expired, a held, ann enabled
        wait 30m         | a gone, ann disabled, permits 0
    ";

    /// Whoever gets its address gets nothing with it.
    active_and_somebody_gets_its_address: "
        request
        dial a
        yes              | a passes
        hand a over to bob as b | b held, permits 0
        wait 60s         | b held, permits 0
    ";

    /// The row's id was used again before anybody looked: another tunnel.
    active_and_its_id_is_used_again: "
        request
        dial a reusing id *F
        yes              | a passes
        hints are lost
        wait 30s
        hang up a
        dial b from hotel reusing id *F
        wait 16s         | b held, permits 0
    ";

    /// A no soon after the yes ends it; later, *not me* does.
    active_and_no_after_a_minute: "
        request
        dial a
        yes
        wait 61s
        no               | ignored already, a passes, 1 active
        not me           | counted, a gone, 1 ended denied, alert denied
    ";
}
