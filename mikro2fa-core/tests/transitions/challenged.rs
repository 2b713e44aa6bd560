//! A question is open.

use crate::player;

rows! {
    /// A newer tunnel of the same account: the old question is void, the one message changes, prompts rise by one.
    challenged_and_a_newer_tunnel_comes: "
        request
        dial a           | asked 1, messages 1
        dial b from hotel | 1 challenged, sessions 1, asked 2, messages 1, a held, b held
        yes to 1         | ignored stale, a held, b held
        yes to 2         | counted, a held, b passes
    ";

    /// The tunnel went before an answer: nothing waits for its successor.
    challenged_and_it_goes: "
        request
        dial a           | 1 challenged
        hang up a        | 1 ended tunnel gone
        yes              | ignored stale
        dial b           | b held, 2 challenged
        yes to 1         | ignored stale, b held
    ";

    /// Only the owner's answer counts.
    challenged_and_somebody_else_answers: "
        request
        dial a
        yes by bob       | ignored nottheowner, a held, 1 challenged
        no by bob        | ignored nottheowner, a held, 1 challenged
        yes              | counted, a passes
    ";

    /// A yes while the router is away is kept for that very tunnel, and opens it when the router is back.
    challenged_and_yes_while_the_router_is_away: "
        request
        dial a
        router away 10m
        wait 16s
        yes              | counted, 1 opening, a held, card opening_no_contact
        wait 540s        | 1 opening, a held
        wait 90s         | 1 active, a passes
    ";

    /// … and not another tunnel that has taken its place meanwhile.
    challenged_and_yes_while_the_router_is_away_and_it_goes: "
        request
        dial a
        router away 10m
        wait 16s
        yes              | counted, 1 opening
        hang up a
        dial b
        wait 640s        | b held, 1 ended tunnel gone, 2 challenged
    ";

    /// Yes and no at once: the first that is committed counts, and a no soon after a yes still ends it.
    challenged_and_yes_and_no_at_once: "
        request
        dial a
        yes and no       | counted and counted, 1 ended denied, a gone, permits 0
    ";

    challenged_and_no_and_yes_at_once: "
        request
        dial a
        no and yes       | counted and ignored stale, 1 ended denied, a gone, permits 0
    ";

    /// The same answer twice has the effect of one.
    challenged_and_yes_twice: "
        request
        dial a
        yes and yes      | counted and ignored already, 1 active, a passes
        no               | counted, 1 ended denied, a gone
    ";

    /// Only a question that the messenger took has a deadline and counts.
    challenged_and_undelivered: "
        request
        messenger away 1h
        dial a           | 1 challenged, asked 0
        wait 299s        | 1 challenged
        wait 2s          | 1 ended undeliverable, a held
    ";

    challenged_and_undelivered_does_not_count: "
        given hold_for 2h
        messenger away 2h
        dial a
        wait 301s
        hang up a
        dial b
        wait 301s
        hang up b
        dial c
        wait 301s
        hang up c        | 3 ended undeliverable
        wait 6400s
        request          | opened
        dial d           | asked 1, 4 challenged
        yes              | d passes
    ";

    /// The chat cannot be written to: known at once, held, told to operators.
    challenged_and_the_chat_is_blocked: "
        request
        ann blocks the bot
        dial a           | 1 ended undeliverable, a held, asked 0
    ";

    /// Three unanswered within the hour ban (account, caller); the owner's own request lifts that.
    challenged_and_unanswered_three_times: "
        given requests need not be
        dial a
        wait 301s        | 1 ended unanswered
        hang up a
        dial b
        wait 301s        | 2 ended unanswered
        hang up b
        dial c
        wait 301s        | 3 ended unanswered, told banned, alert banned
        hang up c
        dial d           | d held, asked 3, judged held: banned
        dial e from hotel | e held, asked 4
        hang up e
        request          | opened, asked 5, d held
        yes              | d passes
    ";

    /// While answers cannot come the clock of a question stands still.
    challenged_while_answers_cannot_come: "
        request
        dial a
        wait 30s
        answers cannot come
        wait 1h          | 1 challenged, a held
        answers can come
        wait 240s        | 1 challenged
        yes              | counted, a passes
    ";

    /// … also when it was put while they could not.
    challenged_when_answers_cannot_come_already: "
        request
        answers cannot come
        dial a           | 1 challenged
        wait 1h          | 1 challenged, a held
        answers can come
        wait 290s        | 1 challenged
        yes              | counted, a passes
    ";

    /// An operator vouches for this very tunnel.
    challenged_and_an_operator_lets_it_in: "
        request
        dial a
        operator lets in | counted, 1 active, a passes, card open
    ";
}
