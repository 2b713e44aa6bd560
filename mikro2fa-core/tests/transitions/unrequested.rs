//! Nothing yet: a tunnel that no session is about.

use crate::player;

rows! {
    /// Held; its owner gets one message with *it's me* (request and answer at once) and *not me*.
    nobody_requested_it: "
        dial a           | a held, 1 challenged, card unrequested question, asked 1, messages 1
        yes              | counted, a passes, 1 active, sessions 1
    ";

    /// No session for each redial, and no new message: the one is about the newest tunnel.
    nobody_requested_it_and_it_redials: "
        dial a           | 1 challenged
        crash a
        dial b           | b held, 1 challenged, sessions 1, asked 2, messages 1
        wait 31s         | a gone, 1 challenged
        crash b
        dial c           | c held, sessions 1, messages 1
        yes to 1         | ignored stale, c held
        yes to 3         | counted, c passes, b held
    ";

    /// Nobody says that it is theirs: held as long as tunnels are held, then cut; it does not count as unanswered.
    nobody_requested_it_and_nobody_answers: "
        dial a
        wait 3590s       | a held, asked 1, 1 challenged
        wait 20s         | a gone, 1 ended unrequested
        wait 3600s       | a gone, asked 1, sessions 1
    ";

    /// An account that nobody owns is never asked about; operators are told once a day.
    nobody_owns_it: "
        dial g as guest  | g held, sessions 0, asked 0, judged held: unowned, alert unowned
        wait 3700s       | g gone, sessions 0, asked 0
    ";

    nobody_owns_it_and_those_are_cut: "
        given unowned are cut
        dial g as guest  | g gone, sessions 0, judged cut: unowned
    ";

    /// A site link is never asked about, and not kept open by us.
    it_is_exempt: "
        dial s as site   | s passes, sessions 0, asked 0, permits 0
        engine dies
        wait 24h         | s passes
    ";

    /// *Not me* bans the account: up, reaching nothing, not asked about, until an operator says otherwise.
    it_is_banned: "
        dial a
        no               | counted, a gone, 1 ended denied, alert denied
        dial b           | b held, asked 1, sessions 1, judged held: banned
        request          | banned, b held
        operator lifts the ban | b held, 2 challenged, asked 2
        yes              | b passes
    ";

    /// What was concluded about a live tunnel holds until it is gone from a complete look.
    it_is_concluded: "
        request
        dial a           | 1 challenged
        wait 301s        | 1 ended unanswered, a held
        wait 600s        | a held, asked 1, sessions 1
        hint             | asked 1, sessions 1
        engine dies
        engine starts    | a held, asked 1, sessions 1
        wait 60s         | a held, asked 1, sessions 1
    ";

    /// Its owner's own request has the held tunnel judged anew.
    it_is_concluded_and_requested: "
        request
        dial a
        wait 301s        | 1 ended unanswered, a held
        request          | opened, 2 challenged, a held, asked 2
        yes              | counted, a passes
    ";

    /// A tunnel from before mikro2fa: its owner is asked once.
    it_was_up_before: "
        given a from before
        wait 1s          | 1 challenged, a held, card adopted question, asked 1
        yes              | a passes
    ";

    it_was_up_before_and_those_are_cut: "
        given tunnels from before are cut
        given a from before
        wait 1s          | a gone, sessions 0, asked 0, judged cut: from before
    ";

    /// No question before there is an address: what it is asked about could not be let through.
    it_has_no_address_yet: "
        dial a without address | sessions 0, asked 0
        wait 60s         | sessions 0, asked 0
        address a        | 1 challenged, a held, asked 1
        yes              | a passes
    ";

    /// Above `max_held` an account's tunnels are cut.
    it_is_one_too_many: "
        given second tunnel refused
        request
        dial a
        yes              | a passes
        dial b from hotel | b held, asked 1, told second_refused
        dial c from hotel | c held
        dial d from hotel | d gone, judged cut: second tunnel refused
    ";

    /// After so many questions in an hour tunnels are held without one, and people are told.
    it_is_one_question_too_many: "
        given max_prompts_per_hour 2
        dial a           | asked 1
        hang up a        | 1 ended tunnel gone
        dial b           | asked 2
        hang up b
        dial c           | c held, asked 2, told cool_down, alert cool_down, judged held: cool-down
        request          | opened, asked 3, c held
        yes              | c passes
    ";
}
