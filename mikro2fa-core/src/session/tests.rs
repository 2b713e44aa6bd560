//! Scenarios as text, the state × event table, properties. Scenarios do not know the API: a step is a time and a
//! word, and what comes out is printed.

mod properties;
mod script;
mod table;

use script::play;

/// Each line of a history: when, what, the state after it, and what was asked of the outside.
#[track_caller]
fn check(script: &str, expected: &str) {
    let played = play(script);
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    assert_eq!(
        played.iter().map(String::as_str).collect::<Vec<_>>(),
        expected,
        "\n\nplayed:\n{}\n",
        played.join("\n")
    );
}

#[test]
fn confirm() {
    check(
        "0s request; 1s ready; 30s up; 31s delivered; 40s yes; 41s opened",
        "0s request -> requested: card preparing (silent), look
         1s ready -> requested: card connect-now (edit)
         30s up -> challenged: card question (move), prompted
         31s delivered -> challenged
         40s yes -> opening: caller confirmed, card opening (edit), look
         41s opened -> active: card open (edit), look",
    );
}

#[test]
fn deny_is_an_incident() {
    check(
        "0s unrequested; 1s delivered; 9s no; 10s gone",
        "0s unrequested -> challenged: card question (move), prompted
         1s delivered -> challenged
         9s no -> ended denied, cut: ban account, alert denied, card denied (edit), look
         10s gone -> ended denied: card denied (edit)",
    );
}

#[test]
fn a_no_soon_after_a_yes_still_ends_it_and_a_late_one_does_not() {
    check(
        "0s request; 0s ready; 1s up; 1s delivered; 2s yes; 3s opened; 62s no",
        "0s request -> requested: card preparing (silent), look
         0s ready -> requested: card connect-now (edit)
         1s up -> challenged: card question (move), prompted
         1s delivered -> challenged
         2s yes -> opening: caller confirmed, card opening (edit), look
         3s opened -> active: card open (edit), look
         62s no -> ended denied, cut: ban account, alert denied, card denied (edit), look",
    );
    let late = play("0s request; 0s ready; 1s up; 1s delivered; 2s yes; 3s opened; 63s no");
    assert_eq!(late.last().unwrap(), "63s no -> ignored Answer(Already)");
}

#[test]
fn an_unanswered_question_is_resent_and_then_held() {
    check(
        "0s request; 0s ready; 0s up; 0s delivered; 60s deadline; 120s deadline; 180s deadline; 240s deadline; \
         300s deadline; 3900s deadline",
        "0s request -> requested: card preparing (silent), look
         0s ready -> requested: card connect-now (edit)
         0s up -> challenged: card question (move), prompted
         0s delivered -> challenged
         60s deadline -> challenged: card question again 1/3 (move)
         120s deadline -> challenged: card question again 2/3 (move)
         180s deadline -> challenged: card question again 3/3 (move)
         240s deadline -> ignored Early
         300s deadline -> ended unanswered, held until 3900s: unanswered, card ended (edit), look
         3900s deadline -> ended unanswered, cut: look",
    );
}

#[test]
fn only_a_delivered_question_counts() {
    check(
        "0s unrequested; 300s deadline",
        "0s unrequested -> challenged: card question (move), prompted
         300s deadline -> ended undeliverable, held until 3600s: card ended (edit), look",
    );
    let undelivered = play("0s request; 0s ready; 0s up; 300s deadline");
    assert!(
        undelivered.last().unwrap().contains("ended undeliverable"),
        "{undelivered:?}"
    );
    assert!(
        !undelivered.last().unwrap().contains("unanswered,"),
        "it does not count"
    );
}

/// Its time in quarantine runs from when it was asked about, and is not counted again when nobody has answered.
#[test]
fn what_nobody_requested_is_held_for_its_time_once() {
    let held = play("7s unrequested; 8s delivered; 3608s deadline");
    assert_eq!(
        held.last().unwrap(),
        "3608s deadline -> ended unrequested, cut: card ended (edit), look"
    );
    let undelivered = play("7s unrequested; 307s deadline; 3606s deadline; 3607s deadline");
    assert_eq!(
        undelivered[1..],
        [
            "307s deadline -> ended undeliverable, held until 3607s: card ended (edit), look",
            "3606s deadline -> ignored Early",
            "3607s deadline -> ended undeliverable, cut: look"
        ]
    );
}

#[test]
fn a_newer_tunnel_makes_the_old_question_void() {
    check(
        "0s unrequested; 0s delivered; 10s up 2; 11s yes first; 12s yes; 90s notme",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         10s up 2 -> challenged: card question replaced 1 (edit), prompted
         11s yes first -> ignored Answer(Stale)
         12s yes -> opening: caller confirmed, card opening (edit), look
         90s notme -> ended denied, cut: ban account, alert denied, card denied (edit), look",
    );
}

#[test]
fn an_answer_counts_only_from_the_owner_and_in_time() {
    check(
        "0s unrequested; 0s delivered; 1s yes by bob; 3600s yes; 3600s deadline; 3601s yes",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         1s yes by bob -> ignored Answer(NotTheOwner)
         3600s yes -> ignored Answer(Late { deadline: 3600.000s })
         3600s deadline -> ended unrequested, cut: card ended (edit), look
         3601s yes -> ignored Answer(Stale)",
    );
}

#[test]
fn the_clock_of_a_question_stands_still_while_answers_cannot_come() {
    check(
        "0s request; 0s ready; 0s up; 0s delivered; 50s messenger away; 900s deadline; 1000s messenger back; \
         1199s yes",
        "0s request -> requested: card preparing (silent), look
         0s ready -> requested: card connect-now (edit)
         0s up -> challenged: card question (move), prompted
         0s delivered -> challenged
         50s messenger away -> challenged
         900s deadline -> ignored Early
         1000s messenger back -> challenged: card question after gap (move)
         1199s yes -> opening: caller confirmed, card opening (edit), look",
    );
}

#[test]
fn opening_is_given_up_only_while_the_router_answers() {
    check(
        "0s unrequested; 0s delivered; 5s yes; 6s router away; 9999s deadline; 10000s router back; 10119s deadline; \
         10120s deadline",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         5s yes -> opening: caller confirmed, card opening (edit), look
         6s router away -> opening: card opening-no-contact (edit)
         9999s deadline -> ignored Early
         10000s router back -> opening: card opening (edit), look
         10119s deadline -> ignored Early
         10120s deadline -> ended not_opened, held until 13720s: alert not-opened, card ended (move), look",
    );
}

#[test]
fn a_tunnel_that_goes_before_it_is_open_takes_the_answer_with_it() {
    check(
        "0s unrequested; 0s delivered; 5s yes; 6s gone; 7s resumed 2",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         5s yes -> opening: caller confirmed, card opening (edit), look
         6s gone -> ended tunnel_gone: card ended (edit), look
         7s resumed 2 -> ignored NotNow",
    );
}

#[test]
fn reminder_extension_and_end() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 82800s deadline; 82801s extend 60; 82802s extend 60; \
         86401s deadline; 89999s extend 60 used; 90000s deadline; 90001s opened",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         82800s deadline -> expiring: card reminder [60 to 90000s, 240 to 100800s] (move)
         82801s extend 60 -> active: card open extended 60 (edit), look
         82802s extend 60 -> ignored OfferUsed
         86401s deadline -> expiring: card reminder [60 to 93600s, 240 to 104400s] (move)
         89999s extend 60 used -> ignored OfferUsed
         90000s deadline -> ended expired, cut: card ended (edit), look
         90001s opened -> ignored NotNow",
    );
}

#[test]
fn extensions_stop_at_the_most() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 2s offer; 3s extend 999; 4s extend 240 operator; \
         5s extend 2700 operator",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         2s offer -> active: card reminder [60 to 90000s, 240 to 100800s] (move)
         3s extend 999 -> ignored OfferUsed
         4s extend 240 operator -> active: card open extended 240 (edit), look
         5s extend 2700 operator -> ignored OverLimit { until: 259200.000s }",
    );
}

#[test]
fn a_reconnect_resumes_from_the_same_caller_only() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 100s gone; 110s resumed 2 elsewhere; 120s resumed 2; \
         121s opened",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         100s gone -> grace: card grace (edit), look
         110s resumed 2 elsewhere -> ignored NotNow
         120s resumed 2 -> opening: look
         121s opened -> active: card resumed (silent), look",
    );
}

#[test]
fn grace_ends_and_the_expiry_goes_on_in_it() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 100s gone; 160s resumed 2; 160s deadline",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         100s gone -> grace: card grace (edit), look
         160s resumed 2 -> ignored NotNow
         160s deadline -> ended tunnel_gone: card ended (edit), look",
    );
}

#[test]
fn a_suspected_ghost_is_cut_before_anything_resumes() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 100s ghost; 101s resumed 2; 102s gone; 103s resumed 2",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         100s ghost -> grace: card grace (edit), look
         101s resumed 2 -> ignored NotNow
         102s gone -> grace
         103s resumed 2 -> opening: look",
    );
}

#[test]
fn nothing_resumes_more_than_three_times_or_while_expiring() {
    let mut script = "0s unrequested; 0s delivered; 0s yes; 1s opened".to_owned();
    for n in 0..3 {
        let at = 100 + n * 10;
        script += &format!(
            "; {at}s gone; {}s resumed {}; {}s opened",
            at + 1,
            n + 2,
            at + 2
        );
    }
    let played = play(&format!("{script}; 200s gone"));
    assert_eq!(
        played.last().unwrap(),
        "200s gone -> ended tunnel_gone: card ended (edit), look"
    );
    let expiring =
        play("0s unrequested; 0s delivered; 0s yes; 1s opened; 82800s deadline; 82801s gone");
    assert!(
        expiring.last().unwrap().contains("ended tunnel_gone"),
        "{expiring:?}"
    );
}

#[test]
fn what_somebody_closed_by_hand_stays_closed() {
    check(
        "0s unrequested; 0s delivered; 0s yes; 1s opened; 5s taken",
        "0s unrequested -> challenged: card question (move), prompted
         0s delivered -> challenged
         0s yes -> opening: caller confirmed, card opening (edit), look
         1s opened -> active: card open (edit), look
         5s taken -> ended disabled_on_router, cut: alert drift-respected, card ended (move), look",
    );
}

#[test]
fn an_operator_lets_in_for_a_time() {
    check(
        "0s unrequested; 5s let in until 3600; 6s opened; 3600s deadline",
        "0s unrequested -> challenged: card question (move), prompted
         5s let in until 3600 -> opening: card opening (edit), look
         6s opened -> active: card open let-in (edit), look
         3600s deadline -> ended expired, cut: card ended (edit), look",
    );
}

#[test]
fn a_request_that_nobody_uses_ends() {
    check(
        "0s request; 0s router away; 10s router back; 20s ready; 100s request again; 1900s deadline; 1901s up",
        "0s request -> requested: card preparing (silent), look
         0s router away -> requested: card requested-no-contact (edit)
         10s router back -> requested: card preparing (edit)
         20s ready -> requested: card connect-now (move)
         100s request again -> requested: card connect-now (silent), look
         1900s deadline -> ended never_connected: card ended (edit), look
         1901s up -> ignored NotNow",
    );
}

#[test]
fn nobody_ends_somebody_elses_session() {
    for story in [
        "0s request",
        "0s unrequested",
        "0s unrequested; 0s delivered; 0s yes; 1s opened",
    ] {
        let played = play(&format!("{story}; 5s end by bob"));
        let last = played.last().unwrap();
        assert_eq!(
            last, "5s end by bob -> ignored Answer(NotTheOwner)",
            "{story}"
        );
    }
}
