//! `api-ssl`: the same API over TLS, with a certificate, without one, and cut off in the middle.

use std::{net::SocketAddr, sync::Arc};

use mikro2fa_router::simulator::{Reachability, Simulator};
use routeros_api::{
    Client, Command, Error, Options,
    tls::{Fingerprint, Tls},
};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, crypto::ring::default_provider};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::TlsConnector;

use crate::wire::{self, prepared, soon};

async fn router() -> Simulator {
    prepared().api_tls(0).start().await.unwrap()
}

async fn connect(sim: &Simulator, pin: Fingerprint) -> Result<Client, Error> {
    let address = sim.api_tls_address().unwrap().to_string();
    let options = Options::new(address, "admin", sim.admin_password());
    soon(Client::connect(&options.tls(Tls::pinned([pin]).unwrap()))).await
}

async fn set(sim: &Simulator, name: &str, value: &str) {
    let set = Command::new("/ip/service/set").attribute("numbers", "api-ssl");
    sim.administer(&set.attribute(name, value)).unwrap();
}

/// The version of TLS that is agreed upon with somebody who knows all of them and trusts the router's certificate.
async fn version(sim: &Simulator) -> Option<ProtocolVersion> {
    let mut roots = RootCertStore::empty();
    let certificate = sim.certificate().unwrap().to_vec();
    roots.add(certificate.into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(sim.api_tls_address().unwrap())
        .await
        .unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = soon(connector.connect("localhost".try_into().unwrap(), stream))
        .await
        .unwrap();
    stream.get_ref().1.protocol_version()
}

/// How many bytes come before the router closes.
async fn heard_until_closed(address: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut heard = Vec::new();
    soon(stream.read_to_end(&mut heard)).await.unwrap_or(0)
}

#[tokio::test]
async fn it_is_the_same_api_behind_the_certificate_that_the_menus_show() {
    let sim = router().await;
    let client = connect(&sim, sim.fingerprint().unwrap()).await.unwrap();
    let answer = client
        .call(Command::new("/user/active/print"))
        .await
        .unwrap();
    assert_eq!(answer.rows.get(0).unwrap().text("via").unwrap(), "api");
    let certificates = sim.rows("/certificate");
    assert_eq!(certificates.len(), 1);
    assert_eq!(
        certificates[0]["fingerprint"],
        sim.fingerprint().unwrap().to_string()
    );
    assert_eq!(certificates[0]["invalid-after"], "2040-01-01 00:00:00");
    let services = sim.rows("/ip/service");
    let service = |name: &str| services.iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(service("api-ssl")["certificate"], certificates[0]["name"]);
    assert_eq!(
        service("api-ssl")["port"],
        sim.api_tls_address().unwrap().port().to_string()
    );
    assert_eq!(service("api")["port"], sim.api_address().port().to_string());
}

#[tokio::test]
async fn another_pin_is_refused_by_the_client() {
    let (sim, other) = (router().await, router().await);
    let error = connect(&sim, other.fingerprint().unwrap())
        .await
        .unwrap_err();
    let shown = sim.fingerprint().unwrap();
    assert!(matches!(error, Error::NotPinned { presented, .. } if presented == shown));
}

#[tokio::test]
async fn without_a_certificate_the_handshake_fails_as_at_a_router_from_the_factory() {
    let sim = router().await;
    let pin = sim.fingerprint().unwrap();
    set(&sim, "certificate", "none").await;
    let error = connect(&sim, pin).await.unwrap_err();
    assert!(matches!(error, Error::NoCertificate { .. }), "{error:?}");
    set(&sim, "certificate", "api-ssl").await;
    connect(&sim, pin).await.unwrap();
    let remove = Command::new("/certificate/remove").attribute("numbers", "api-ssl");
    sim.administer(&remove).unwrap();
    let error = connect(&sim, pin).await.unwrap_err();
    assert!(matches!(error, Error::NoCertificate { .. }), "{error:?}");
}

#[tokio::test]
async fn tls_1_3_is_a_switch_and_tls_version_a_limit() {
    let sim = router().await;
    assert_eq!(version(&sim).await, Some(ProtocolVersion::TLSv1_2));
    sim.set_quirks(|quirks| quirks.tls_1_3 = true);
    assert_eq!(version(&sim).await, Some(ProtocolVersion::TLSv1_3));
    set(&sim, "tls-version", "only-1.2").await;
    assert_eq!(version(&sim).await, Some(ProtocolVersion::TLSv1_2));
}

#[tokio::test]
async fn each_service_is_closed_and_counted_on_its_own() {
    let sim = router().await;
    set(&sim, "max-sessions", "1").await;
    let mut plain = wire::Client::admin(&sim).await;
    let client = connect(&sim, sim.fingerprint().unwrap()).await.unwrap();
    assert_eq!(heard_until_closed(sim.api_tls_address().unwrap()).await, 0);
    client.close();
    soon(sim.until(|sim| sim.connection_count() == 1)).await;
    set(&sim, "disabled", "yes").await;
    assert_eq!(heard_until_closed(sim.api_tls_address().unwrap()).await, 0);
    assert_eq!(
        plain.say("/system/identity/print").await.all("name"),
        ["MikroTik"]
    );
}

#[tokio::test]
async fn a_reboot_and_a_cut_end_it_also_in_the_middle_of_the_handshake() {
    let sim = router().await;
    let client = connect(&sim, sim.fingerprint().unwrap()).await.unwrap();
    sim.reboot();
    soon(client.closed()).await;

    let mut silent = TcpStream::connect(sim.api_tls_address().unwrap())
        .await
        .unwrap();
    soon(sim.until(|sim| sim.connection_count() == 1)).await;
    sim.set_reachability(Reachability::Refusing);
    assert_eq!(soon(silent.read(&mut [0; 8])).await.unwrap_or(0), 0);
    soon(sim.until(|sim| sim.connection_count() == 0)).await;
}
