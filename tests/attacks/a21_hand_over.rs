//! A21: somebody waits for a genuine yes, and then takes over what it has opened.

use std::time::Duration;

use crate::harness::{
    Database, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, json, on_both,
};

on_both!(
    the_same_name_and_address_from_another_caller,
    while_nobody_could_look,
    by_another_kind_of_vpn,
    a_session_ends_however_long_it_is_kept,
    not_me_after_a_reconnect,
);

async fn town(on: Database) -> Outcome<Town> {
    Town::with(on, |options| {
        let simulator = options.office.simulator.clone();
        options.office.simulator = simulator.pool("10.8.0.2-10.8.0.2");
    })
    .await
}

/// The scripts that close the hand-over on the router itself are not there: what is left is what mikro2fa sees.
fn without_scripts(town: &Town) {
    let profile = town.sim.names().profile.clone();
    let id = town.row_id("/ppp/profile", "name", &profile);
    let none = [(".id", &*id), ("on-up", ""), ("on-down", "")];
    town.by_hand("/ppp/profile/set", &none);
}

/// Name, address and place in the list are Ann's; from where is not.
async fn the_same_name_and_address_from_another_caller(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    let anns = town.opened().await?;
    let address = anns.address();
    anns.hang_up();
    let thief = town.dials("ann", ELSEWHERE);
    assert_eq!(thief.address(), address, "the very same address");
    let question = town.asked(&town.ann, ELSEWHERE).await?;
    never_opens(&town, &thief).await;
    assert!(question.text.contains("First time"), "{question:?}");
    town.finish().await
}

async fn never_opens(town: &Town, thief: &TunnelHandle) {
    for _ in 0..6 {
        assert!(!town.reaches_office(thief), "{:#?}", town.permits());
        town.advance(Duration::from_secs(20)).await;
    }
}

/// The router was out of reach while one went and the other came, and its scripts are off: at the next look it is
/// another tunnel under an old place, and what Ann had is taken away.
async fn while_nobody_could_look(on: Database) -> Outcome<()> {
    let town = town(on).await?;
    without_scripts(&town);
    let anns = town.opened().await?;
    let address = anns.address();
    town.advance(5 * MINUTE).await;
    town.unplug();
    anns.hang_up();
    let thief = town.dials("ann", ELSEWHERE);
    assert_eq!(thief.address(), address, "the very same address");
    town.plug();
    town.until_shut(&thief).await?;
    town.asked(&town.ann, ELSEWHERE).await?;
    never_opens(&town, &thief).await;
    town.finish().await
}

/// A reconnect is one by the same kind of VPN.
async fn by_another_kind_of_vpn(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let anns = town.opened().await?;
    anns.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    let dial = crate::harness::Dial::new("ann", crate::harness::PASSWORD);
    let dial = dial
        .from(HOME)
        .by(mikro2fa_router::simulator::Service::Sstp);
    let thief = town.sim.dial(dial);
    let thief = thief.map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    town.asked(&town.ann, HOME).await?;
    never_opens(&town, &thief).await;
    town.finish().await
}

/// Extensions go as far as policy lets them, and then it is over for whoever holds the tunnel.
async fn a_session_ends_however_long_it_is_kept(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["session_duration"] = json!(7_200);
        options.policy["max_total"] = json!(10_800);
    })
    .await?;
    let tunnel = town.opened().await?;
    town.advance(HOUR + 31 * MINUTE).await;
    let reminder = town.reads(&town.ann, "Ends at").await?;
    assert!(!reminder.labels().iter().any(|label| label.contains("+4")));
    town.tap(&town.ann, &reminder, "+1 hour").await?;
    town.advance(80 * MINUTE).await;
    assert!(town.reaches_office(&tunnel), "extended");
    let last = town.reads(&town.ann, "Ends at").await?;
    assert_eq!(last.labels(), ["End now"], "no further");
    town.advance(15 * MINUTE).await;
    assert!(!town.reaches_office(&tunnel));
    town.until_ended("expired").await?;
    town.finish().await
}

/// A resume is told without a sound, and can be called back: then it is cut and the account locked.
async fn not_me_after_a_reconnect(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let anns = town.opened().await?;
    anns.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    let second = town.dials("ann", HOME);
    town.until_open(&second).await?;
    let notice = town.reads(&town.ann, "Reconnected").await?;
    town.tap(&town.ann, &notice, "Not me").await?;
    town.until_cut(&second).await?;
    town.reads(&town.olga, "Not me").await?;
    town.settle().await;
    let third = town.dials("ann", HOME);
    never_opens(&town, &third).await;
    town.finish().await
}
