//! The attacks that mikro2fa is there to stop, each as tests that fail on what it describes. They are played as the
//! end-to-end tests are: mikro2fa as it is served, a RouterOS simulator behind a real API port, a Bot API on loopback,
//! on SQLite and on PostgreSQL, with a clock that is moved by hand.
//!
//! The attacker mostly knows somebody's VPN password, which is where the router's own defence ends. What counts is asked of
//! the router's rules (would this packet pass?), of the chat (who was asked, and what were they told?), and of the
//! database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../support/harness.rs"]
mod harness;

mod a01_prompt_bombing;
mod a02_blind_yes;
mod a03_replay;
mod a04_forged_button;
mod a05_wrong_chat;
mod a06_taken_telegram;
mod a07_race;
mod a08_address_reuse;
mod a09_forged_hook;
mod a10_forged_updates;
mod a11_shared_address;
mod a12_quarantine_leaks;
mod a13_same_phone;
mod a14_outage;
mod a15_ghosts;
mod a16_secrets;
mod a17_admin_plane;
mod a18_command_injection;
mod a19_man_in_the_middle;
mod a20_clock;
mod a21_hand_over;
mod a22_leaks;
mod a24_spoofed_source;
mod a25_fasttracked_flow;
mod a26_name_variants;
mod a27_budget_exhaustion;
mod a28_foreign_permit;
