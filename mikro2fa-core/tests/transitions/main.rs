//! The transitions that are easy to get wrong, as a table: what happens on the left, what is then so on the right.
//!
//! Each row is a test of its own, played by the engine over ports in memory. Times are the engine's own; a tunnel is
//! named by a letter, which is also its address; sessions and questions are numbered in the order in which they were
//! made. *held* = up, and none of its packets gets beyond quarantine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod player;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident: $story:literal;)*) => {
        $($(#[$doc])* #[tokio::test] async fn $name() { player::play(stringify!($name), $story).await; })*
    };
}

mod gate;
mod switching;

// ---- nothing yet: a tunnel that no session is about ------------------------------------------------------------

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
        wait 20s         | a held, 1 ended unrequested
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

// ---- Requested ---------------------------------------------------------------------------------------------------

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

// ---- Challenged --------------------------------------------------------------------------------------------------

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

// ---- Opening -----------------------------------------------------------------------------------------------------

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

// ---- Active ------------------------------------------------------------------------------------------------------

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
        wait 16s         | 1 ended disabled on router, a gone, ann disabled
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

// ---- overlaps ----------------------------------------------------------------------------------------------------

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

// ---- Expiring and the end ----------------------------------------------------------------------------------------

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

// ---- Bound rules -------------------------------------------------------------------------------------------------

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
        wait 16s         | 1 ended disabled on router, rule off
        somebody switches the rule on
        wait 16s         | rule off
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

// ---- Cutting for good --------------------------------------------------------------------------------------------

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

// ---- Networks behind an account ----------------------------------------------------------------------------------

rows! {
    /// What is fixed behind an account on its router comes and goes with its tunnel, of either family.
    networks_behind_an_account_follow_its_tunnel: "
        given ann has 10.9.0.0/24 behind her
        given ann has 2001:db8:9::/56 behind her
        request
        dial a           | shut 10.9.0.7, shut 2001:db8:9::7
        yes              | a passes, open 10.9.0.7, open 2001:db8:9::7, permits 3
        operator ends    | a gone, shut 10.9.0.7, shut 2001:db8:9::7, permits 0
    ";

    networks_that_change_are_followed: "
        given ann has 10.9.0.0/24 behind her
        request
        dial a
        yes              | open 10.9.0.7, shut 10.10.0.7
        somebody puts 10.10.0.0/24 behind ann
        wait 320s        | shut 10.9.0.7, open 10.10.0.7, a passes, permits 2
    ";

    /// As their pool's network would.
    a_network_that_tunnels_are_in_is_not_let_through: "
        given ann has 10.8.0.0/24 behind her
        request
        dial a
        yes              | a passes, shut 10.8.0.200, permits 1, found tunnels get their addresses from it
        dial g as guest  | g held
    ";

    everything_is_no_network: "
        given ann has 0.0.0.0/0 behind her
        request
        dial a
        yes              | a passes, shut 192.0.2.1, permits 1
    ";
}
