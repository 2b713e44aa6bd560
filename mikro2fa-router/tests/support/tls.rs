//! `api-ssl` with a certificate as odd as some routers' own: TLS in front of a simulated router's API port.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses some of it; a failure here fails its test"
)]

use std::{net::SocketAddr, sync::Arc};

use routeros_api::tls::Fingerprint;
use rustls::{
    ServerConfig,
    crypto::ring::{default_provider, sign::any_supported_type},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Takes TLS connections and hands what is in them to `to`. Where it listens, and what its certificate's fingerprint is.
pub(crate) async fn front(to: SocketAddr) -> (SocketAddr, Fingerprint) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../data/router.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/router.key")).unwrap();
    let fingerprint = Fingerprint::of(&certificate);
    let certified = CertifiedKey::new(vec![certificate], any_supported_type(&key).unwrap());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), to));
    (address, fingerprint)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, to: SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Whatever goes wrong with one of them, its client sees it as a router's close.
            if let Ok(mut outer) = acceptor.accept(stream).await
                && let Ok(mut inner) = TcpStream::connect(to).await
            {
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            }
        });
    }
}
