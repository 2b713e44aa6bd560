//! Routers that are only observed, and the switch between that and enforcing. The gate is shut by its jumps, which are
//! switched last when enforcing begins and first when it ends, and by order only.

use crate::player;

// ---- observing -------------------------------------------------------------------------------------------------------

rows! {
    /// The same states, with permits that are not written; nothing is touched on the router.
    observing_and_confirmed: "
        given observing
        request
        dial a           | 1 challenged, a passes, card requested_question_trial
        yes              | 1 active, permits 0, a passes
        wait 24h         | 1 ended expired, a passes, permits 0
    ";

    observing_and_denied: "
        given observing
        dial a           | 1 challenged, a passes
        no               | 1 ended denied, a passes
    ";

    observing_and_unanswered: "
        given observing
        request
        dial a
        wait 301s        | 1 ended unanswered, card ended_unanswered_trial, a passes
        wait 2h          | a passes, asked 1
    ";

    /// Nobody is asked where that was chosen; it is written down that they would have been.
    observing_without_asking: "
        given observing without asking
        dial a           | a passes, sessions 0, asked 0, judged would have been held: not confirmed
        wait 2h          | a passes, asked 0
    ";

    /// What a person asks for is their own doing: then the question is expected.
    observing_without_asking_and_requested: "
        given observing without asking
        request
        dial a           | 1 challenged, a passes, asked 1
        yes              | 1 active, a passes, permits 0
    ";

    /// Unowned, and nobody is told that it is held.
    observing_and_unowned: "
        given observing
        dial g as guest  | g passes, sessions 0, judged would have been held: unowned, alerts none
    ";

    observing_and_unowned_pass: "
        given observing
        given unowned pass
        dial g as guest  | g passes, sessions 0
        switch to enforcing | g held, judged held: unowned
    ";

    /// In observe mode nobody has to answer: what is missed bans nobody.
    observing_and_never_answered: "
        given observing
        given max_prompts_per_hour 20
        request
        dial a
        wait 301s        | 1 ended unanswered
        hang up a
        request
        dial b
        wait 301s        | 2 ended unanswered
        hang up b
        request
        dial c
        wait 301s        | 3 ended unanswered
        hang up c
        request
        dial d           | 4 challenged, asked 4
    ";
}

// ---- from observing to enforcing ---------------------------------------------------------------------------------------

rows! {
    /// What was confirmed goes on without a gap: its permit is there before the gate is shut.
    enforcing_begins_and_one_is_confirmed: "
        given observing
        request
        dial a
        yes              | 1 active, a passes, permits 0, gate open
        dial b as bob from bob's | b passes
        switch to enforcing | gate shut, a passes, b held, permits 1, 1 active, order none, gate switched 1, permitted before the gate shut
        wait 25m         | a passes, permits 1
        wait 24h         | a gone, 1 ended expired, card ended expired
    ";

    /// A question that is open says at once that its answer counts.
    enforcing_begins_while_it_is_asked: "
        given observing
        dial a           | a passes, card unrequested question trial
        switch to enforcing | a held, 1 challenged, card unrequested question, asked 1
        yes              | counted, a passes, 1 active
    ";

    /// What was concluded while nothing was held is concluded anew, as of a tunnel from before.
    enforcing_begins_after_it_ended: "
        given observing
        request
        dial a
        yes
        wait 25h         | 1 ended expired, a passes
        switch to enforcing | a held, 2 challenged, card adopted question
        yes              | a passes
    ";

    enforcing_begins_after_nobody_was_asked: "
        given observing without asking
        dial a           | sessions 0
        wait 2h
        switch to enforcing | a held, 1 challenged, card adopted question, asked 1
    ";

    enforcing_begins_and_those_from_before_are_cut: "
        given observing without asking
        given tunnels from before are cut
        dial a
        wait 1h
        switch to enforcing | a gone, sessions 0, judged cut: from before
    ";

    /// They go on for a while, without a question and without an extension.
    enforcing_begins_and_those_from_before_go_on: "
        given observing without asking
        given tunnels from before go on for 2h
        dial a
        wait 1h
        switch to enforcing | a passes, 1 active, asked 0, permits 1, gate shut, permitted before the gate shut
        extend 60        | ignored offerused
        wait 119m        | a passes
        wait 2m          | a gone, 1 ended expired
        dial b           | b held, 2 challenged, asked 1
    ";

    /// After \"not me\" in observe mode the account stays banned.
    enforcing_begins_after_it_was_denied: "
        given observing
        dial a
        no               | 1 ended denied, a passes
        switch to enforcing | a held, gate shut
    ";

    /// A command without a reply is sent again; what was confirmed has its permit meanwhile.
    enforcing_begins_and_the_command_is_lost: "
        given observing
        request
        dial a
        yes
        switching the gate will be lost 2
        switch to enforcing
        wait 5s          | gate shut, a passes, order none, gate switched 1
    ";

    enforcing_begins_and_the_command_is_late: "
        given observing
        request
        dial a
        yes
        switching the gate will be late 4s
        switch to enforcing
        wait 10s         | gate shut, a passes, order none
    ";

    /// The order is durable: whoever serves next carries it out.
    enforcing_begins_and_the_engine_dies: "
        given observing
        request
        dial a
        yes              | 1 active
        router away 5m
        switch to enforcing | gate open, order open, a passes
        engine dies
        wait 6m          | gate open
        engine starts
        wait 1s          | gate shut, order none, a passes, permits 1, permitted before the gate shut
    ";

    /// A permit that is refused does not keep the gate open for everybody.
    enforcing_begins_and_a_permit_is_refused: "
        given observing
        request
        dial a
        yes
        permit will be refused
        switch to enforcing
        wait 1s          | gate shut, order none
        wait 10s         | a passes
    ";

    /// It is noticed that another process ordered it.
    enforcing_begins_by_another_process: "
        given observing
        request
        dial a
        yes
        switch to enforcing by another process
        wait 31s         | gate shut, a passes, order none
    ";

    /// Without a gate nothing can be shut: operators are told, and it is done when there is one.
    enforcing_begins_and_it_is_not_prepared: "
        given observing
        given not prepared
        switch to enforcing | order open, alert gate
        router is prepared
        wait 20s         | gate shut, order none
    ";
}

// ---- from enforcing to observing ---------------------------------------------------------------------------------------

rows! {
    /// The gate is opened first; permits are left to lapse.
    observing_begins: "
        request
        dial a
        yes              | a passes, permits 1
        dial b as bob from bob's | b held
        switch to observing | gate open, a passes, b passes, permits 1, order none
        wait 11m         | permits 0, a passes, 1 active
        wait 24h         | 1 ended expired, a passes, card ended expired_trial
    ";

    observing_begins_while_it_is_asked: "
        dial a           | a held, card unrequested question
        switch to observing | a passes, 1 challenged, card unrequested question trial
    ";

    /// A login that we disabled can be used again, once; what somebody disables later stays disabled.
    observing_begins_and_logins_are_given_back: "
        given ann handed over
        given ann was enabled
        wait 1s          | ann disabled
        switch to observing | ann enabled, gate open, order none
        somebody disables ann
        wait 2h          | ann disabled
    ";

    and_back_again: "
        request
        dial a
        yes              | a passes
        switch to observing | gate open
        wait 1m          | order none
        switch to enforcing | gate shut, a passes, 1 active, order none
    ";

    observing_begins_and_the_engine_dies: "
        dial a           | a held
        router away 5m
        switch to observing | gate shut, order open
        engine dies
        wait 6m          | gate shut
        engine starts
        wait 1s          | gate open, a passes, order none
    ";
}

// ---- without an order --------------------------------------------------------------------------------------------------

rows! {
    /// What is more closed than wanted is respected.
    somebody_shuts_the_gate_while_it_is_observed: "
        given observing
        dial a           | a passes
        somebody shuts the gate
        wait 2h          | gate shut, gate switched 0
    ";

    /// An order that was seen done is not given again.
    somebody_turns_the_gate_after_the_switch: "
        switch to observing | gate open, order none
        somebody shuts the gate
        wait 2h          | gate shut
        switch to observing | gate open
    ";
}

// ---- switched off at the desk --------------------------------------------------------------------------------------------

rows! {
    an_account_is_disabled_at_the_desk: "
        request
        dial a
        yes              | a passes
        ann is disabled at the desk | a gone, 1 ended disabled on router, permits 0
        request          | refused
        dial b           | b held, judged held: account disabled, sessions 1
    ";
}
