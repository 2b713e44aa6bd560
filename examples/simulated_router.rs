//! The simulated router in a test of your own. What is tested here is a little program that disables a login and cuts
//! its tunnels; any other RouterOS client, in any language, can take its place. `cargo run --example simulated_router`
//! plays the test, and so does `cargo test`.

#![allow(clippy::unwrap_used, reason = "a test")]

use mikro2fa_router::simulator::{Dial, DialRefused, Fault, Flow, On, Simulator};
use routeros_api::{Client, Command, Error, Options};

/// What is to be tested.
async fn lock_out(router: &Client, login: &str) -> Result<(), Error> {
    let secret = Command::new("/ppp/secret/print")
        .proplist(&[".id"])
        .query_equal("name", login);
    for row in &router.call(secret).await?.rows {
        let id = row.id().unwrap_or_default();
        let off = Command::new("/ppp/secret/set")
            .attribute(".id", id)
            .attribute("disabled", "yes");
        router.call(off).await?;
    }
    let tunnels = Command::new("/ppp/active/print")
        .proplist(&[".id"])
        .query_equal("name", login);
    for row in &router.call(tunnels).await?.rows {
        let id = row.id().unwrap_or_default();
        router
            .call(Command::new("/ppp/active/remove").attribute(".id", id))
            .await?;
    }
    Ok(())
}

/// Locks Ann out of a router, Bob's tunnel beside hers, and sees what is so on the router, packets included.
async fn play() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .account("bob", "pw")
        .start()
        .await
        .unwrap();
    let options = Options::new(sim.api_address().to_string(), "admin", sim.admin_password());
    let router = Client::connect(&options).await.unwrap();
    let (anns, bobs) = (
        sim.dial(Dial::new("ann", "pw")).unwrap(),
        sim.dial(Dial::new("bob", "pw")).unwrap(),
    );
    let passes = |tunnel| {
        sim.would_pass(&Flow::between(tunnel, [192, 168, 88, 10]).tcp(445))
            .passes()
    };
    assert!(passes(&anns) && passes(&bobs));

    // The answer to the cut is lost: done or not, nobody knows, and the program has to say so.
    sim.inject(On::command("/ppp/active/remove").once(), Fault::CutAfter);
    assert!(lock_out(&router, "ann").await.is_err());
    let router = Client::connect(&options).await.unwrap();
    lock_out(&router, "ann").await.unwrap();

    assert!(!anns.is_up() && !passes(&anns));
    assert_eq!(
        sim.dial(Dial::new("ann", "pw")).unwrap_err(),
        DialRefused::Disabled
    );
    assert!(bobs.is_up() && passes(&bobs), "nobody else is touched");
}

#[tokio::main(flavor = "current_thread")]
#[cfg_attr(test, allow(dead_code))]
async fn main() {
    play().await;
}

#[tokio::test]
async fn ann_is_locked_out_and_bob_is_not() {
    play().await;
}
