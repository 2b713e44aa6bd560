//! Observing and enforcing, by packets: before, during and after the switch, with a download running; and what a dead
//! mikro2fa leaves open where policy keeps confirmed tunnels.

use crate::harness::{
    BOBS, Database, FILES, Flow, HOME, HOUR, MINUTE, Outcome, Town, TunnelHandle, json, on_both,
};

on_both!(
    enforcing_begins,
    enforcing_begins_and_it_is_killed,
    observing_begins,
    tunnels_from_before_go_on_for_a_while,
    a_switch_by_hand_is_no_order,
    keep_confirmed,
);

impl Town {
    async fn switch(&self, mode: &str) -> Outcome<()> {
        let change = json!({ "mode": mode, "unchecked": true });
        self.patch(&format!("routers/{}", self.router), change)
            .await
    }

    /// From a prepared router to one that is only observed.
    async fn observed(&self) -> Outcome<()> {
        self.switch("observing").await?;
        self.until_router("the gate opens", |_| self.is_open())
            .await?;
        self.settle().await;
        Ok(())
    }

    /// Does every jump into the gate count?
    fn is_shut(&self) -> bool {
        let jumps = self.jumps();
        assert_eq!(jumps.len(), 4, "one for each chain and family");
        jumps.iter().all(|counts| *counts)
    }

    fn is_open(&self) -> bool {
        !self.jumps().contains(&true)
    }

    fn jumps(&self) -> Vec<bool> {
        let menus = ["/ip/firewall/filter", "/ipv6/firewall/filter"];
        let rows = menus.into_iter().flat_map(|menu| self.sim.rows(menu));
        rows.filter(|row| row.get("action").is_some_and(|action| action == "jump"))
            .map(|row| {
                !matches!(
                    row.get("disabled").map(String::as_str),
                    Some("true" | "yes")
                )
            })
            .collect()
    }

    /// A download that is running: its next packets, out and back.
    fn downloads(&self, tunnel: &TunnelHandle) -> bool {
        let out = Flow::between(tunnel, FILES).tcp(5_201).from_port(40_000);
        let back = Flow::between(FILES, tunnel).tcp(40_000).from_port(5_201);
        self.sim.send(&out).passes() && self.sim.send(&back).passes()
    }

    async fn confirmed_in_trial(&self) -> Outcome<TunnelHandle> {
        self.request().await?;
        let tunnel = self.dials("ann", HOME);
        let question = self.asked(&self.ann, "Trial run").await?;
        assert!(self.downloads(&tunnel), "nothing is held");
        self.tap(&self.ann, &question, "Yes").await?;
        self.until_state("active").await?;
        self.settle().await;
        assert!(self.permits().is_empty(), "its permit is virtual");
        Ok(tunnel)
    }
}

async fn enforcing_begins(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.observed().await?;
    let ann = town.confirmed_in_trial().await?;
    let bob = town.dials("bob", BOBS);
    assert!(town.downloads(&ann) && town.downloads(&bob));
    town.switch("enforcing").await?;
    // At every change of the router until then: who was confirmed goes on without a gap.
    town.until_router("the gate is shut", |_| {
        assert!(town.downloads(&ann), "a confirmed download was stopped");
        town.is_shut()
    })
    .await?;
    assert!(town.downloads(&ann));
    assert!(!town.downloads(&bob), "nobody has confirmed it");
    assert!(bob.is_up(), "held, not cut");
    town.settle().await;
    town.advance(11 * MINUTE).await;
    assert!(town.downloads(&ann), "its permit is renewed");
    town.advance(2 * HOUR).await;
    town.until_cut(&ann).await?;
    town.reads(&town.ann, "Ended").await?;
    town.finish().await
}

/// The router cannot be reached when the order is given, and mikro2fa dies before it can.
async fn enforcing_begins_and_it_is_killed(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.observed().await?;
    let ann = town.confirmed_in_trial().await?;
    let bob = town.dials("bob", BOBS);
    town.settle().await;
    town.unplug();
    town.switch("enforcing").await?;
    town.kill_engine().await?;
    assert!(town.is_open(), "nobody could shut it");
    town.plug();
    town.start_again().await?;
    town.until_router("the gate is shut", |_| {
        assert!(town.downloads(&ann), "a confirmed download was stopped");
        town.is_shut()
    })
    .await?;
    assert!(town.downloads(&ann));
    assert!(!town.downloads(&bob));
    town.settle().await;
    let order = town.status().await.order;
    assert_eq!(order, None, "it was seen done");
    town.finish().await
}

async fn observing_begins(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ann = town.opened().await?;
    let bob = town.dials("bob", BOBS);
    assert!(!town.reaches_office(&bob));
    town.switch("observing").await?;
    town.until_router("the gate opens", |_| {
        assert!(town.downloads(&ann));
        town.is_open()
    })
    .await?;
    assert!(town.reaches_office(&bob));
    assert_eq!(town.permits().len(), 1, "permits are left to lapse");
    town.settle().await;
    town.advance(11 * MINUTE).await;
    assert!(town.permits().is_empty());
    assert!(town.downloads(&ann) && town.reaches_office(&bob));
    town.advance(3 * HOUR).await;
    town.until_sessions("it would have ended", |sessions| {
        sessions
            .iter()
            .any(|session| session["ended"]["reason"] == "expired")
    })
    .await?;
    assert!(ann.is_up(), "it would have been cut");
    town.finish().await
}

async fn tunnels_from_before_go_on_for_a_while(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.observed().await?;
    let until = town.clock_now().0 + 70 * 60_000;
    let change = json!({ "adopt": { "grace": { "until": until } }, "observe_asks": false });
    town.patch(&format!("routers/{}", town.router), change)
        .await?;
    let bob = town.dials("bob", BOBS);
    town.settle().await;
    town.advance(10 * MINUTE).await;
    assert!(town.sessions().await?.is_empty(), "nobody is asked");
    town.switch("enforcing").await?;
    town.until_router("the gate is shut", |_| town.is_shut())
        .await?;
    town.settle().await;
    assert!(town.downloads(&bob), "it was there before");
    let late = town.dials("ann", HOME);
    town.settle().await;
    assert!(!town.reaches_office(&late), "this one was not");
    town.advance(61 * MINUTE).await;
    town.until_cut(&bob).await?;
    town.finish().await
}

/// What is more closed than wanted is respected: a gate that somebody shuts on an observed router stays shut.
async fn a_switch_by_hand_is_no_order(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.observed().await?;
    for menu in ["/ip/firewall/filter", "/ipv6/firewall/filter"] {
        for row in town.sim.rows(menu) {
            if row.get("action").is_some_and(|action| action == "jump") {
                let id = row[".id"].clone();
                town.by_hand(&format!("{menu}/set"), &[(".id", &id), ("disabled", "no")]);
            }
        }
    }
    town.advance(2 * HOUR).await;
    assert!(town.is_shut());
    town.observed().await?;
    town.finish().await
}

/// Where policy keeps confirmed tunnels, a dead mikro2fa leaves them open until their session's end, and nobody else.
async fn keep_confirmed(on: Database) -> Outcome<()> {
    let town = Town::with(on, |options| {
        options.policy["outage"] = json!("keep_confirmed");
    })
    .await?;
    let shown = town.get(&format!("routers/{}", town.router)).await?;
    let weakenings = shown["weakenings"].to_string();
    assert!(weakenings.contains("keep_confirmed"), "{weakenings}");
    let ann = town.opened().await?;
    town.kill_engine().await?;
    town.advance(90 * MINUTE).await;
    assert!(town.downloads(&ann), "kept until its session's end");
    let bob = town.dials("bob", BOBS);
    assert!(!town.reaches_office(&bob), "new tunnels are held");
    town.advance(31 * MINUTE).await;
    assert!(!town.downloads(&ann), "the router shuts by itself");
    town.start_again().await?;
    town.until_sessions("hers has ended", |sessions| {
        sessions
            .iter()
            .any(|session| session["ended"]["reason"] == "expired")
    })
    .await?;
    town.settle().await;
    town.finish().await
}
