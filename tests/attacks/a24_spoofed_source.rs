//! A24: packets from quarantine under the address of somebody who has confirmed.

use mikro2fa_router::simulator::Flow;

use crate::harness::{BOBS, Database, Outcome, Town, on_both};

on_both!(
    a_confirmed_address_is_borrowed,
    a_router_that_knows_where_addresses_are_drops_it,
);

const OFFICE: [u8; 4] = [192, 168, 88, 10];

/// The gate knows addresses, not tunnels: where the router does not ask where an address is, one-way packets get through.
/// What comes back goes to the one whose address it is.
async fn a_confirmed_address_is_borrowed(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    let ann = town.opened().await?;
    let thief = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    let borrowed = Flow::between(&thief, OFFICE).spoofing(ann.address().unwrap());
    assert!(!town.reaches_office(&thief), "under its own address");
    assert!(
        town.sim.would_pass(&borrowed).passes(),
        "what rp-filter=strict is offered for"
    );
    town.finish().await
}

/// `rp-filter=strict`, as `router prepare --strict-sources` sets it.
async fn a_router_that_knows_where_addresses_are_drops_it(on: Database) -> Outcome<()> {
    let town = Town::new(on).await?;
    town.by_hand("/ip/settings/set", &[("rp-filter", "strict")]);
    let ann = town.opened().await?;
    let thief = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    let borrowed = Flow::between(&thief, OFFICE).spoofing(ann.address().unwrap());
    assert!(!town.sim.would_pass(&borrowed).passes());
    assert!(town.reaches_office(&ann), "whose address it is");
    town.finish().await
}
