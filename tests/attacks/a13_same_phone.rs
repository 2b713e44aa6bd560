//! A13: the phone that is to answer is itself behind the quarantined tunnel. If quarantine cut Telegram off, whoever sends all
//! traffic through the VPN could never confirm; if it were opened too wide for that, nobody would have to.

use crate::harness::{Database, Flow, HOME, Outcome, Town, on_both};

on_both!(it_answers_from_within_quarantine,);

/// Telegram's data centres, one of each network that it publishes (core.telegram.org/resources/cidr.txt).
const TELEGRAM: [[u8; 4]; 7] = [
    [91, 105, 192, 100],
    [91, 108, 4, 1],
    [91, 108, 8, 1],
    [91, 108, 12, 1],
    [91, 108, 16, 1],
    [91, 108, 56, 100],
    [149, 154, 167, 50],
];

/// Both ways, for all that the answer takes; and nothing else of the internet.
async fn it_answers_from_within_quarantine(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.request().await?;
    let phone = town.dials("ann", HOME);
    let question = town.asked(&town.ann, "Was it you?").await?;
    town.settle().await;
    let passes = |flow: Flow| town.sim.would_pass(&flow).passes();
    assert!(!town.reaches_office(&phone));
    for centre in TELEGRAM {
        for port in [443, 80, 5222] {
            let out = Flow::between(&phone, centre).tcp(port);
            assert!(passes(out), "to {centre:?} port {port}");
        }
        let answer = Flow::between(centre, &phone).from_port(443).established();
        assert!(passes(answer), "the answer from {centre:?}");
        let unasked = Flow::between(centre, &phone);
        assert!(!passes(unasked), "nothing comes from {centre:?} unasked");
    }
    let router = mikro2fa_router::simulator::Endpoint::Router;
    assert!(passes(Flow::between(&phone, router).udp(53)), "names");
    for elsewhere in [
        [1, 1, 1, 1],
        [17, 57, 144, 1],
        [192, 168, 88, 10],
        [91, 108, 20, 1],
    ] {
        assert!(!passes(Flow::between(&phone, elsewhere)), "{elsewhere:?}");
    }
    // So the tap can be made from behind the very tunnel that it is about.
    town.tap(&town.ann, &question, "Yes").await?;
    town.until_open(&phone).await?;
    town.finish().await
}
