//! A25: a connection that was made while its tunnel was permitted, and goes on past the end of the lease, with nobody alive to
//! end it.

use mikro2fa_router::simulator::{Flow, Passage};

use crate::harness::{Database, MINUTE, Outcome, Town, TunnelHandle, on_both};

on_both!(
    a_running_download_ends_with_its_lease,
    without_the_rules_before_fasttrack_it_would_go_on,
);

const OFFICE: [u8; 4] = [192, 168, 88, 10];

/// A packet of one connection, out of the tunnel or back into it.
fn packet(town: &Town, tunnel: &TunnelHandle, out: bool) -> Passage {
    let flow = if out {
        Flow::between(tunnel, OFFICE).from_port(50_001).tcp(443)
    } else {
        Flow::between(OFFICE, tunnel).from_port(443).tcp(50_001)
    };
    town.sim.send(&flow)
}

/// A download that runs: some packets each way.
fn download(town: &Town, tunnel: &TunnelHandle) -> bool {
    let mut fasttracked = false;
    for _ in 0..3 {
        for out in [true, false] {
            let seen = packet(town, tunnel, out);
            assert!(seen.passes(), "{seen}");
            fasttracked |= seen.fasttracked;
        }
    }
    fasttracked
}

/// mikro2fa is killed in the middle of it, and nobody comes back: the router shuts the gate by itself when the lease is over,
/// in both directions, for the connection that runs as for a new one.
async fn a_running_download_ends_with_its_lease(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    assert!(
        !download(&town, &tunnel),
        "covered traffic is never fasttracked"
    );
    town.kill_engine().await?;
    assert!(!download(&town, &tunnel), "the lease still runs");
    town.advance(11 * MINUTE).await;
    assert!(tunnel.is_up());
    for out in [true, false] {
        let seen = packet(&town, &tunnel, out);
        assert!(seen.is_dropped(), "{seen}");
    }
    let new = Flow::between(&tunnel, OFFICE).from_port(50_002);
    assert!(town.sim.would_pass(&new).is_dropped());
    assert!(town.sim.would_pass(&new.established()).is_dropped());
    town.start_again().await?;
    town.finish().await
}

/// What these rules are for: without them the very same connection bypasses the gate for as long as it lives.
async fn without_the_rules_before_fasttrack_it_would_go_on(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let tunnel = town.opened().await?;
    town.kill_engine().await?;
    for row in town.sim.rows("/ip/firewall/filter") {
        let comment = row.get("comment").map_or("", String::as_str);
        if comment.ends_with("never fasttracked") {
            town.by_hand("/ip/firewall/filter/remove", &[(".id", &row[".id"])]);
        }
    }
    assert!(download(&town, &tunnel));
    town.advance(11 * MINUTE).await;
    assert!(packet(&town, &tunnel, true).passes(), "the hole");
    town.start_again().await?;
    town.finish().await
}
