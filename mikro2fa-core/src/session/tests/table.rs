//! Every state meets every event once.

use super::script::play;

const STATES: [(&str, &str); 9] = [
    ("requested", "0s request"),
    ("challenged", "0s unrequested; 0s delivered"),
    ("opening", "0s unrequested; 0s delivered; 1s yes"),
    ("active", "0s unrequested; 0s delivered; 1s yes; 2s opened"),
    (
        "expiring",
        "0s unrequested; 0s delivered; 1s yes; 2s opened; 82801s deadline",
    ),
    (
        "grace",
        "0s unrequested; 0s delivered; 1s yes; 2s opened; 50s gone",
    ),
    (
        "ghost",
        "0s unrequested; 0s delivered; 1s yes; 2s opened; 50s ghost",
    ),
    ("held", "0s unrequested; 300s deadline"),
    ("over", "0s unrequested; 0s delivered; 1s gone"),
];

const EVENTS: [&str; 25] = [
    "ready",
    "request again",
    "up 2",
    "gone",
    "ghost",
    "resumed 2",
    "delivered",
    "undeliverable",
    "messenger away",
    "messenger back",
    "router away",
    "router back",
    "yes",
    "no",
    "yes by bob",
    "notme",
    "let in until 99999",
    "opened",
    "refused",
    "taken",
    "offer",
    "left",
    "extend 60 operator",
    "end",
    "released",
];

/// Where each state goes by each event; `.` = ignored.
const TABLE: &str = include_str!("table.txt");

#[test]
fn every_state_meets_every_event() {
    let mut table = String::new();
    for (state, story) in STATES {
        let last: i64 = match state {
            "expiring" => 82_802,
            "held" => 301,
            _ => 51,
        };
        for event in EVENTS {
            let played = play(&format!("{story}; {last}s {event}"));
            let line = played.last().expect("a line");
            let (_, after) = line.split_once(" -> ").expect("an outcome");
            let outcome = if after.starts_with("ignored") {
                "."
            } else {
                after.split(": ").next().expect("a state")
            };
            table += &format!("{state:<10} {event:<20} {outcome}\n");
        }
    }
    assert_eq!(table, TABLE, "\n{table}");
}
