//! A19: somebody who stands between mikro2fa and a router, with a certificate of his own.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mikro2fa_router::simulator::{PreparedNames, Simulator};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::harness::{Database, Outcome, Town, json, on_both};

on_both!(
    another_certificate_hears_no_password,
    nothing_is_trusted_that_is_not_pinned
);

/// The way to the router, which somebody can bend.
struct Way {
    address: SocketAddr,
    bent: Arc<AtomicBool>,
    cut: watch::Sender<u32>,
}

impl Way {
    async fn to(router: SocketAddr, mallory: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let bent = Arc::new(AtomicBool::new(false));
        let (cut, cuts) = watch::channel(0);
        let is_bent = Arc::clone(&bent);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (is_bent, mut cuts) = (Arc::clone(&is_bent), cuts.clone());
                tokio::spawn(async move {
                    let far = if is_bent.load(Ordering::SeqCst) {
                        mallory
                    } else {
                        router
                    };
                    let Ok(mut far) = TcpStream::connect(far).await else {
                        return;
                    };
                    cuts.mark_unchanged();
                    tokio::select! {
                        // How a connection ends is nobody's concern here.
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { address, bent, cut }
    }

    /// From now on it leads elsewhere, or back; connections that there are break.
    fn bend(&self, bent: bool) {
        self.bent.store(bent, Ordering::SeqCst);
        self.cut.send_modify(|count| *count += 1);
    }
}

/// A router with TLS, and one that looks the same but for its certificate.
async fn with_tls(on: Database) -> Outcome<(Town, Simulator, Way)> {
    let town = Town::with(on, |options| {
        options.office.simulator = options.office.simulator.clone().api_tls(0);
    })
    .await?;
    let mallory = Simulator::builder()
        .prepared(PreparedNames::default())
        .identity("office")
        .api_tls(0)
        .start()
        .await
        .unwrap();
    let router = town.sim.api_tls_address().unwrap();
    let way = Way::to(router, mallory.api_tls_address().unwrap()).await;
    Ok((town, mallory, way))
}

/// What is told is a finding, not an outage to be waited for; and the router's own leases shut what was open.
async fn another_certificate_hears_no_password(on: Database) -> Outcome<()> {
    let (town, mallory, way) = with_tls(on).await?;
    let router = format!("routers/{}", town.router);
    let pinned = json!({
        "transport": "api_tls",
        "port": way.address.port(),
        "pins": [town.sim.fingerprint().unwrap().to_string()],
        "password": town.sim.daily_password(),
    });
    town.patch(&router, pinned).await?;
    let tunnel = town.opened().await?;

    way.bend(true);
    town.sim.cut_connections();
    town.advance(std::time::Duration::from_secs(20 * 60)).await;
    assert_eq!(mallory.totals().commands, 0, "somebody else heard us");
    assert!(mallory.commands().is_empty());
    assert!(!town.reaches_office(&tunnel), "the lease has lapsed");
    let thief = town.dials("bob", "192.0.2.44");
    town.advance(std::time::Duration::from_secs(60)).await;
    assert!(!town.reaches_office(&thief));
    town.reads(&town.olga, "No contact with office").await?;
    let told = town.status().await.trouble.unwrap().to_string();
    assert!(told.contains("not the pinned one"), "{told}");
    let shown = mallory.fingerprint().unwrap().to_string();
    assert!(told.contains(&shown), "so that it can be compared: {told}");

    way.bend(false);
    town.advance(std::time::Duration::from_secs(120)).await;
    town.reads(&town.olga, "office is back").await?;
    tunnel.hang_up();
    thief.hang_up();
    town.advance(std::time::Duration::from_secs(600)).await;
    town.finish().await
}

/// A router is not taken on the strength of whatever certificate it shows: the fingerprint is told, to be compared.
async fn nothing_is_trusted_that_is_not_pinned(on: Database) -> Outcome<()> {
    let (town, mallory, way) = with_tls(on).await?;
    way.bend(true);
    let record = json!({
        "name": "branch", "host": "127.0.0.1", "port": way.address.port(), "transport": "api_tls",
        "user": town.sim.names().user, "password": town.sim.daily_password(),
    });
    let post = reqwest::Method::POST;
    let (status, said) = town.answer(post, "routers", Some(record)).await?;
    assert!((400..500).contains(&status), "{status}: {said}");
    let shown = mallory.fingerprint().unwrap().to_string();
    assert!(said.to_string().contains(&shown), "{said}");
    assert_eq!(mallory.totals().commands, 0, "somebody else heard us");
    town.finish().await
}
