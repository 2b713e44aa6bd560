//! `api-ssl`: a certificate of the router's own, and the handshake.

use std::{fmt, io, sync::Arc, time::Duration};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use routeros_api::{Sentence, tls::Fingerprint};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{clock::Civil, menu::MenuId, state::State, trap::Trap};

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// What the certificate is called in `/certificate` and `/ip/service`.
pub(crate) const NAME: &str = "api-ssl";

/// 1 January 2020, in seconds since 1970.
const VALID_FROM: i64 = 1_577_836_800;

/// 1 January 2040, in seconds since 1970.
pub(crate) const VALID_UNTIL: i64 = 2_208_988_800;

/// The alert that a router sends which has no certificate, and so offers nothing but anonymous key exchange: fatal,
/// `handshake_failure` (RFC 5246, 7.2).
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// A self-signed certificate with its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    /// A fresh one, for a router of this name that is reached on the loopback interface.
    pub(crate) fn fresh(common_name: &str) -> io::Result<Self> {
        Self::sign(common_name).map_err(io::Error::other)
    }

    fn sign(common_name: &str) -> Result<Self, rcgen::Error> {
        Self::until(common_name, (2040, 1, 1))
    }

    fn until(common_name: &str, end: (i32, u8, u8)) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(end.0, end.1, end.2);
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            certificate: certificate.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()),
        })
    }

    /// The certificate in DER.
    pub(crate) const fn der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    fn offer(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Offer, rustls::Error> {
        let key = PrivateKeyDer::from(self.key.clone_key());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)?;
        Ok(Arc::new(config))
    }
}

/// The key stays out.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", Fingerprint::of(&self.certificate))
    }
}

/// What `api-ssl` offers: a certificate and the versions of TLS, ready for the handshake.
pub(crate) type Offer = Arc<ServerConfig>;

/// What can be offered, made once: all versions that the router speaks, and TLS 1.2 only.
#[derive(Debug)]
pub(crate) struct Offers {
    fingerprint: String,
    newest: Offer,
    only_1_2: Offer,
}

impl State {
    /// Keeps what can be offered with a certificate; its fingerprint.
    fn keep_offers(&mut self, identity: &Identity) -> Result<String, rustls::Error> {
        let fingerprint = Fingerprint::of(identity.der()).to_string();
        self.tls_offers.push(Offers {
            fingerprint: fingerprint.clone(),
            newest: identity.offer(&[&TLS12, &TLS13])?,
            only_1_2: identity.offer(&[&TLS12])?,
        });
        Ok(fingerprint)
    }

    /// `/certificate/sign`: a template becomes a certificate that is signed with its own key. `number` names it, as the schemas
    /// have it. The template goes, and the certificate has its name (MikroTik manual, *Certificates*).
    pub(crate) fn sign_certificate(&mut self, sentence: &Sentence) -> Result<(), Trap> {
        let number = sentence
            .attribute("number")
            .or_else(|| sentence.attribute(".id"))
            .ok_or_else(Trap::missing_id)?;
        let id = self
            .resolve(MenuId::Certificate, number)
            .ok_or_else(Trap::no_such_item)?;
        let table = self.table(MenuId::Certificate);
        let template = table.get(id).cloned().ok_or_else(Trap::no_such_item)?;
        if !template.text("fingerprint").is_empty() {
            return Err(Trap::failure("already signed"));
        }
        let days = match template.text("days-valid") {
            "" => 365,
            days => days.parse::<i64>().unwrap_or(365),
        };
        let begin = self.unix(self.now);
        let end = begin.saturating_add(days.saturating_mul(86_400));
        let end_date = Civil::from_unix(end).ymd();
        let identity = Identity::until(template.text("common-name"), end_date)
            .map_err(|_| Trap::failure("cannot sign"))?;
        let fingerprint = self
            .keep_offers(&identity)
            .map_err(|_| Trap::failure("cannot sign"))?;
        let iso = self.version.has_iso_dates();
        let date = |at| Civil::from_unix(at).date_time(iso);
        let row = self.row(MenuId::Certificate).with_all(&[
            ("name", template.text("name")),
            ("common-name", template.text("common-name")),
            ("subject-alt-name", template.text("subject-alt-name")),
            ("key-usage", template.text("key-usage")),
            ("days-valid", &days.to_string()),
            ("private-key", "true"),
            ("fingerprint", &fingerprint),
            ("invalid-before", &date(begin)),
            ("invalid-after", &date(end)),
        ]);
        self.delete(MenuId::Certificate, id);
        self.insert(MenuId::Certificate, row);
        Ok(())
    }

    /// Puts a certificate into `/certificate` and has `api-ssl` use it.
    pub(crate) fn give_certificate(&mut self, identity: &Identity) -> io::Result<()> {
        let fingerprint = self.keep_offers(identity).map_err(io::Error::other)?;
        let iso = self.version.has_iso_dates();
        let date = |at| Civil::from_unix(at).date_time(iso);
        let identity = self.only(MenuId::Identity);
        let name = identity.map_or_else(String::new, |row| row.text("name").to_owned());
        let row = self.row(MenuId::Certificate).with_all(&[
            ("name", NAME),
            ("common-name", &name),
            ("subject-alt-name", "DNS:localhost,IP:127.0.0.1"),
            ("private-key", "true"),
            ("fingerprint", &fingerprint),
            ("invalid-before", &date(VALID_FROM)),
            ("invalid-after", &date(VALID_UNTIL)),
        ]);
        self.insert(MenuId::Certificate, row);
        self.configure_service(NAME, "certificate", NAME);
        Ok(())
    }

    /// Sets one property of a service.
    pub(crate) fn configure_service(&mut self, service: &str, property: &str, value: &str) {
        if let Some(id) = self.table(MenuId::Service).named(service).map(|row| row.id) {
            self.update(MenuId::Service, id, |row| row.set(property, value));
        }
    }

    /// What `api-ssl` offers as it is set now; `None` where it has no certificate.
    pub(crate) fn tls(&self) -> Option<Offer> {
        let service = self.table(MenuId::Service).named(NAME)?;
        let certificate = self
            .table(MenuId::Certificate)
            .named(service.text("certificate"))?;
        let fingerprint = certificate.text("fingerprint");
        let mut offers = self.tls_offers.iter();
        let offers = offers.find(|offers| offers.fingerprint == fingerprint)?;
        let newest = self.quirks.tls_1_3 && service.text("tls-version") != "only-1.2";
        let offer = if newest {
            &offers.newest
        } else {
            &offers.only_1_2
        };
        Some(Arc::clone(offer))
    }
}

/// Shakes hands, or refuses to as a router without a certificate does.
pub(crate) async fn accept(
    mut stream: TcpStream,
    offer: Option<Offer>,
) -> Option<TlsStream<TcpStream>> {
    let Some(offer) = offer else {
        let refuse = async {
            let mut hello = [0; 512];
            if stream.read(&mut hello).await? > 0 {
                stream.write_all(&HANDSHAKE_FAILURE).await?;
                stream.shutdown().await?;
                // Closing with bytes unread would take the alert back.
                while stream.read(&mut hello).await? > 0 {}
            }
            io::Result::Ok(())
        };
        // Whatever becomes of it, the connection ends.
        let _ = timeout(HANDSHAKE, refuse).await;
        return None;
    };
    let handshake = TlsAcceptor::from(offer).accept(stream);
    timeout(HANDSHAKE, handshake).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_the_menu_are_those_in_the_certificate() {
        let date = |at| Civil::from_unix(at).date_time(true);
        assert_eq!(date(VALID_FROM), "2020-01-01 00:00:00");
        assert_eq!(date(VALID_UNTIL), "2040-01-01 00:00:00");
    }

    #[test]
    fn two_routers_have_two_keys_and_show_neither() {
        let (one, two) = (Identity::fresh("a").unwrap(), Identity::fresh("a").unwrap());
        assert_ne!(one.der(), two.der());
        assert!(one.key.secret_pkcs8_der() != two.key.secret_pkcs8_der());
        assert_eq!(format!("{one:?}").len(), "Identity()".len() + 64);
    }
}
