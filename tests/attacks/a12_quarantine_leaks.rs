//! A12: getting out of quarantine by what a sandbox forgets: DNS and ICMP, the router's own services, other clients of the same
//! VPN, IPv6, a source that is somebody else's; or by way of a gate that somebody broke meanwhile.

use std::net::IpAddr;

use mikro2fa_router::simulator::Endpoint;

use crate::harness::{
    BOBS, Database, ELSEWHERE, Flow, HOME, MINUTE, Outcome, Town, TunnelHandle, on_both,
};

on_both!(
    by_what_a_sandbox_forgets,
    by_a_jump_that_somebody_disabled,
    by_a_rule_that_somebody_put_above,
);

const OFFICE: [u8; 4] = [192, 168, 88, 10];
const RESOLVER: [u8; 4] = [8, 8, 8, 8];

/// The one thing beyond Telegram that a quarantined tunnel reaches is the router's own resolver, slowly.
async fn by_what_a_sandbox_forgets(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let confirmed = town.opened().await?;
    let thief = town.dials("bob", BOBS);
    town.settle().await;
    let passes = |flow: Flow| town.sim.would_pass(&flow).passes();
    let router = Endpoint::Router;
    for (way, flow) in [
        ("icmp to the office", Flow::between(&thief, OFFICE).icmp()),
        (
            "icmp to the router",
            Flow::between(&thief, router.clone()).icmp(),
        ),
        ("dns elsewhere", Flow::between(&thief, RESOLVER).udp(53)),
        (
            "dns elsewhere, tcp",
            Flow::between(&thief, RESOLVER).tcp(53),
        ),
        ("winbox", Flow::between(&thief, router.clone()).tcp(8291)),
        ("ssh", Flow::between(&thief, router.clone()).tcp(22)),
        ("the api", Flow::between(&thief, router.clone()).tcp(8728)),
        ("web", Flow::between(&thief, router.clone()).tcp(80)),
        ("snmp", Flow::between(&thief, router.clone()).udp(161)),
        ("the other client", Flow::between(&thief, &confirmed)),
        (
            "the other client's answers",
            Flow::between(&confirmed, &thief),
        ),
        (
            "telegram by another port",
            Flow::between(&thief, [149, 154, 167, 50]).tcp(22),
        ),
        (
            "quic to telegram",
            Flow::between(&thief, [149, 154, 167, 50]).udp(443),
        ),
        (
            "a connection from before",
            Flow::between(&thief, OFFICE).established(),
        ),
    ] {
        assert!(!passes(flow), "{way}");
    }
    let v6: IpAddr = "fd00::5".parse().unwrap();
    let inside: IpAddr = "fd00:88::10".parse().unwrap();
    assert!(!passes(Flow::between(&thief, inside).spoofing(v6)), "IPv6");
    assert!(
        passes(Flow::between(&thief, router).udp(53)),
        "the resolver"
    );

    // The doctor sees what the packets do.
    let path = format!("routers/{}/check", town.router);
    let report = town.get(&path).await?;
    assert_eq!(report["reaches"], "no", "{report:#}");
    town.finish().await
}

fn a_jump(town: &Town, chain: &str) -> String {
    let rows = town.sim.rows("/ip/firewall/filter");
    let jump = rows
        .iter()
        .find(|row| row["chain"] == chain && row["action"] == "jump");
    jump.map(|row| row[".id"].clone()).unwrap_or_default()
}

/// Who waits in quarantine for somebody to open the gate is cut when that happens, and the gate is shut again.
async fn by_a_jump_that_somebody_disabled(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let confirmed = town.opened().await?;
    let thief = town.dials("bob", ELSEWHERE);
    town.asked(&town.bob, ELSEWHERE).await?;
    town.settle().await;
    assert!(!town.reaches_office(&thief));
    let jump = a_jump(&town, "forward");
    town.by_hand(
        "/ip/firewall/filter/set",
        &[(".id", &jump), ("disabled", "yes")],
    );
    assert!(town.reaches_office(&thief), "that is what the jump is for");
    broken_and_mended(&town, &thief, &confirmed).await?;
    town.finish().await
}

async fn by_a_rule_that_somebody_put_above(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let confirmed = town.opened().await?;
    let thief = town.dials("bob", ELSEWHERE);
    town.asked(&town.bob, ELSEWHERE).await?;
    town.settle().await;
    let jump = a_jump(&town, "forward");
    let above = [
        ("chain", "forward"),
        ("action", "accept"),
        ("comment", "for a moment only"),
        ("place-before", &*jump),
    ];
    town.by_hand("/ip/firewall/filter/add", &above);
    assert!(town.reaches_office(&thief), "it is asked before the gate");
    broken_and_mended(&town, &thief, &confirmed).await?;
    assert_eq!(town.sent(&town.olga, "for a moment only"), 1, "by its name");
    // What is not ours stays, below the gate.
    town.row_id("/ip/firewall/filter", "comment", "for a moment only");
    town.finish().await
}

/// Within a minute: told, mended, whoever was not confirmed is cut, whoever was goes on; the next one is held again.
async fn broken_and_mended(
    town: &Town,
    thief: &TunnelHandle,
    confirmed: &TunnelHandle,
) -> Outcome<()> {
    town.advance(MINUTE + MINUTE / 60).await;
    town.until_cut(thief).await?;
    town.settle().await;
    // The word that it is whole takes the place of the one that it is not.
    town.reads(&town.olga, "Gate whole again on").await?;
    let broken = "Unconfirmed connections are cut, not held";
    assert_eq!(town.rang(&town.olga, broken).len(), 1, "heard, and once");
    assert!(town.reaches_office(confirmed), "what was confirmed goes on");
    let again = town.dials("bob", HOME);
    town.settle().await;
    assert!(!town.reaches_office(&again), "held again");
    assert!(again.is_up(), "held, not cut");
    Ok(())
}
