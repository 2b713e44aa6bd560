//! Rules that are bound to a user or an account.

use crate::player;

rows! {
    /// On from the answer on, off from the end on.
    a_rule_is_on_while_its_account_is_confirmed: "
        given a rule of the account
        request
        dial a           | 1 challenged, rule off
        yes              | 1 active, a passes, rule on
        operator ends    | a gone, rule off
    ";

    a_rule_goes_off_with_its_tunnel: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        hang up a        | rule off
        dial b           | b passes, rule on, sessions 1
    ";

    /// Off before anything is asked about the second; on again once that one has gone.
    a_second_tunnel_switches_the_rule_off: "
        given a rule of the account
        request
        dial a
        yes              | rule on, asked 1
        dial b from hotel | rule off, asked 2, a passes, b held
        hang up b        | rule on, 1 active, a passes
    ";

    a_second_tunnel_that_is_confirmed_has_it: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        dial b from hotel | rule off
        wait 1s
        yes to 2         | b passes, a gone, rule on
    ";

    /// As long as it cannot be switched off nothing is asked, and the second tunnel is cut.
    a_rule_that_stays_on_lets_nobody_be_asked_about: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        switching will be lost 20
        dial b from hotel | asked 1, 1 active
        wait 5s          | b gone, asked 1, sessions 1, a passes
    ";

    /// Bound to a user: any of their accounts, each confirmed.
    a_rule_of_a_user_follows_all_accounts: "
        given a rule of the user
        request
        dial a           | rule off
        yes              | a passes, rule on
        dial b as ann2 from hotel | rule off, 2 challenged, b held
        yes to 2         | b passes, a passes, rule on
        hang up a        | rule on, b passes
        hang up b        | rule off
    ";

    a_rule_that_is_gone_is_reported: "
        given a rule of the account
        wait 16s         | rule off
        somebody removes the rule
        wait 16s         | found no rule has the comment
        request
        dial a
        yes              | a passes, 1 active, rule gone
    ";

    a_rule_that_is_there_twice_is_reported_and_not_touched: "
        given a rule of the account
        somebody copies the rule
        wait 16s         | found more than one rule has the comment
        request
        dial a
        yes              | a passes, rule off
    ";

    a_rule_that_is_renamed_is_reported: "
        given a rule of the account
        wait 16s
        somebody renames the rule
        wait 16s         | found reads, rule gone
    ";

    a_rule_that_is_moved_is_reported_and_stays_bound: "
        given a rule of the account
        wait 16s
        somebody adds a rule
        wait 16s         | alerts none
        somebody moves the rule
        wait 16s         | found was moved
        request
        dial a
        yes              | rule on
    ";

    /// Off by hand is respected; on by hand is closed.
    a_rule_that_is_switched_by_hand: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        somebody switches the rule off
        wait 16s         | 1 ended disabled on router, rule off, alert drift_respected
        somebody switches the rule on
        wait 16s         | rule off
    ";

    /// The router could not hear us for longer than its dead man's switch waits: nobody's hand.
    a_rule_that_went_off_while_the_router_was_away: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        router away 700s
        wait 690s
        somebody switches the rule off
        wait 60s         | 1 ended shut by router, rule off, alert shut_by_router
    ";

    /// Nor where nobody was there to be heard.
    a_rule_that_went_off_while_we_were_dead: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        engine dies
        wait 700s
        somebody switches the rule off
        engine starts
        wait 16s         | 1 ended shut by router, rule off, alert shut_by_router
    ";

    /// Dead for a minute, its switch held still.
    a_rule_that_somebody_switched_off_while_we_were_dead: "
        given a rule of the account
        request
        dial a
        yes              | rule on
        engine dies
        wait 60s
        somebody switches the rule off
        engine starts
        wait 16s         | 1 ended disabled on router, rule off, alert drift_respected
    ";

    /// Where there is no other gate, a rule that is not there lets nobody in, and says so.
    without_another_gate_a_rule_that_is_gone_opens_nothing: "
        given no address list
        given a rule of the account
        somebody removes the rule
        request
        dial a
        yes              | 1 ended not opened, a gone
    ";

    without_another_gate_a_rule_opens: "
        given no address list
        given a rule of the account
        request
        dial a           | rule off
        yes              | 1 active, rule on
        wait 60s         | 1 active, rule on
        operator ends    | rule off, a gone
    ";
}
