//! TLS to `api-ssl`: trust by pinned fingerprints or by certificate authorities.
//!
//! RouterOS certificates are mostly self-signed, often name nothing useful, and may have features that strict
//! verifiers refuse. A pin says everything that is needed: with pins, names, dates, key usages and the X.509
//! version are not looked at, but the handshake's signature is checked as always, so only the holder of the pinned
//! certificate's key gets through.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::connect;
use crate::error::{CloseReason, Error, Phase};

mod pin;
mod spki;

use pin::{NotPinned, PinVerifier, Pins};

/// The SHA-256 of a certificate in DER, as `/certificate print detail` shows it under `fingerprint`.
///
/// Written as 64 hexadecimal digits; read also with colons or spaces between them and in capitals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Fingerprint {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a SHA-256 fingerprint has 64 hexadecimal digits, with colons or spaces between them or without"
)]
pub struct InvalidFingerprint;

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let mut digits = text.chars().filter(|c| !matches!(c, ':' | ' '));
        let mut nibble = || {
            let digit = digits.next()?.to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let (high, low) = (nibble(), nibble());
            *byte = high
                .zip(low)
                .map(|(high, low)| high << 4 | low)
                .ok_or(InvalidFingerprint)?;
        }
        match digits.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(InvalidFingerprint),
        }
    }
}

/// Certificates given as trusted could not be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A list of pins or authorities was empty, so nothing could ever be trusted.
    #[error("nothing to trust was given; name a fingerprint or a certificate authority")]
    Empty,
    /// The authorities are no PEM certificates, or unusable ones.
    #[error("the certificate authority cannot be used: {0}")]
    Authority(String),
}

/// How a router's certificate is judged. Cheap to clone; make it once for many connections.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<String>,
}

impl Tls {
    /// Trusts certificates with these fingerprints and no other: several, so that a certificate can be replaced
    /// without a gap.
    ///
    /// # Errors
    ///
    /// [`TrustError::Empty`] if there is none.
    pub fn pinned(pins: impl IntoIterator<Item = Fingerprint>) -> Result<Self, TrustError> {
        let pins: Vec<_> = pins.into_iter().collect();
        if pins.is_empty() {
            return Err(TrustError::Empty);
        }
        let verifier = PinVerifier::new(Pins::Only(pins), provider());
        Self::with_verifier(Arc::new(verifier))
    }

    /// Trusts certificates issued by these authorities, in PEM. The certificate must name the router as it is
    /// addressed: for a router addressed by IP, in a subject alternative name.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there is no certificate in the text, or one that cannot be an authority.
    pub fn authorities(pem: &[u8]) -> Result<Self, TrustError> {
        let unusable = |error: &dyn fmt::Display| TrustError::Authority(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(TrustError::Empty);
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| unusable(&error))?;
        Self::with_verifier(verifier)
    }

    /// The name that the certificate must bear, where it differs from the address. Pins do not look at names.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> Result<Self, TrustError> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TrustError::Authority(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        // Connections live for weeks: remembered sessions would be memory for nothing.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            server_name: None,
        })
    }

    /// Makes the handshake; the caller sets the deadline.
    pub(crate) async fn handshake(
        &self,
        address: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let name = self.server_name.as_deref().unwrap_or_else(|| host(address));
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| failed(address, io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        TlsConnector::from(Arc::clone(&self.config))
            .connect(name, stream)
            .await
            .map_err(|error| failed(address, error))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Looks which certificate a router shows, to be compared by a person with what `/certificate print detail` says
/// there, and then pinned. Nothing is sent to the router: whoever answers could be anybody until that was done.
/// The deadline is for connecting and for the handshake, each.
///
/// # Errors
///
/// [`Error`] naming the step that failed; [`Error::NoCertificate`] if the router has none.
pub async fn fetch_fingerprint(address: &str, deadline: Duration) -> Result<Fingerprint, Error> {
    let verifier = Arc::new(PinVerifier::new(Pins::Any, provider()));
    let tls = Tls::with_verifier(verifier)
        .map_err(|error| failed(address, io::Error::other(error)))?
        // Nobody looks at the name, and an address that is no name must do too.
        .server_name("router.invalid");
    let stream = connect::tcp(address, deadline).await?;
    let stream = connect::within(
        Phase::Tls,
        address,
        deadline,
        tls.handshake(address, stream),
    )
    .await??;
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first);
    certificate
        .map(|der| Fingerprint::of(der))
        .ok_or_else(|| Error::NoCertificate {
            address: address.into(),
        })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The host in `host:port` or `[address]:port`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Tells the failures apart that a person can do something about.
fn failed(address: &str, error: io::Error) -> Error {
    let address = address.to_owned();
    let Some(cause) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return Error::SetUp {
            phase: Phase::Tls,
            address,
            reason: match error.kind() {
                io::ErrorKind::UnexpectedEof => CloseReason::ByRouter,
                _ => CloseReason::Io(Arc::new(error)),
            },
        };
    };
    match cause {
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            Error::NoCertificate { address }
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => {
            match other.0.downcast_ref::<NotPinned>() {
                Some(NotPinned(presented)) => Error::NotPinned {
                    address,
                    presented: *presented,
                },
                None => Error::Tls {
                    address,
                    source: Arc::new(error),
                },
            }
        }
        _ => Error::Tls {
            address,
            source: Arc::new(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_as_people_write_them() {
        let plain = "0f".repeat(32);
        let colons = vec!["0F"; 32].join(":");
        let read: Fingerprint = colons.parse().unwrap();
        assert_eq!(read, plain.parse().unwrap());
        assert_eq!(read.to_string(), plain);
        for bad in [
            &plain[1..],
            &format!("{plain}0"),
            "",
            &plain.replace('f', "g"),
        ] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(InvalidFingerprint), "{bad}");
        }
    }

    #[test]
    fn nothing_to_trust_is_an_error() {
        assert!(matches!(Tls::pinned([]), Err(TrustError::Empty)));
        assert!(matches!(
            Tls::authorities(b"no certificate here"),
            Err(TrustError::Empty)
        ));
    }

    #[test]
    fn the_host_is_found_in_an_address() {
        assert_eq!(host("192.0.2.1:8729"), "192.0.2.1");
        assert_eq!(host("[2001:db8::1]:8729"), "2001:db8::1");
        assert_eq!(host("router.example:8729"), "router.example");
    }
}
