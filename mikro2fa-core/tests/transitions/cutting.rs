//! Cutting a tunnel so that its client does not come back.

use crate::player;

rows! {
    /// Cut first, it would be back within a second.
    a_login_is_disabled_before_its_tunnel_is_cut: "
        given ann handed over
        request
        dial a
        yes              | a passes
        operator ends    | a gone, ann disabled, disabled before cut
    ";

    a_login_that_cannot_be_disabled_keeps_no_tunnel_up: "
        given ann handed over
        request
        dial a
        yes              | a passes
        disabling will be refused 5
        operator ends
        wait 1s          | a gone, ann enabled
        wait 300s        | ann disabled
    ";

    /// The gate by address list takes the next packet of any connection: nothing is looked through for it.
    connections_are_left_where_the_address_list_decides: "
        request
        dial a
        connections of a
        yes
        operator ends    | a gone
    ";

    connections_are_forgotten_where_a_rule_decides: "
        given a rule of the account
        request
        dial a
        connections of a
        yes              | tracked a
        dial b from hotel | rule off, forgotten a
    ";

    /// Too many to be looked through: whoever the rule was switched off for is cut.
    too_many_connections_are_left_and_the_tunnel_is_cut: "
        given no address list
        given a rule of the account
        request
        dial a
        yes              | rule on
        too many connections
        dial b from hotel | rule on, b gone
    ";

    sessions_of_a_user_manager_are_closed_after_the_cut: "
        given ann in the User Manager
        given ann handed over
        request          | ann enabled
        dial a
        yes              | a passes, closed sessions 0
        operator ends    | a gone, ann disabled, disabled before cut, closed sessions 1
    ";

    /// Disabling one would not keep the other out: neither is enabled, and both sides are told.
    a_name_in_two_places_has_no_account_gate: "
        given ann handed over
        given another ann in the User Manager
        wait 1s          | found stands in the PPP secrets
        request          | opened, 1 ended disabled on router
    ";
}
