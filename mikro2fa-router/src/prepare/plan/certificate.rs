//! The API over TLS: a certificate that the router makes and signs itself, to be pinned.

use std::net::IpAddr;

use super::Draft;
use crate::{
    prepare::step::{Act, Key, Menu, Step, Value},
    survey::{Record, Section, Survey},
};

/// What the certificate is called. `/certificate` has no comments in old versions, so it is known by this name and the journal.
pub const CERTIFICATE: &str = "mikro2fa-api";

const SERVICE: &str = "api-ssl";

/// RouterOS's usual 2048 bits: a small board signs for seconds, not minutes.
const KEY_SIZE: &str = "2048";

/// Ten years: nobody checks it but by its pin, and a certificate that runs out shuts mikro2fa out.
const DAYS_VALID: &str = "3650";

impl Draft<'_> {
    /// The certificate, and the service that shows it. One that the service has already stays.
    pub(super) fn certificate(&mut self) {
        let Some(host) = self.choices.api_tls.clone() else {
            return;
        };
        for section in [Section::Certificates, Section::Services] {
            if !self.survey.is_whole(section) {
                self.refuse(format!(
                    "{} cannot be read: no certificate can be made",
                    section.path().menu()
                ));
                return;
            }
        }
        let Some(service) = service(self.survey) else {
            self.refuse(format!("this router has no service {SERVICE}"));
            return;
        };
        let shown = match service.text("certificate") {
            "" | "none" => CERTIFICATE,
            other => other,
        };
        if shown == CERTIFICATE {
            self.make(&host);
        }
        let mut before = Vec::new();
        let mut after: Vec<(&'static str, Value)> = Vec::new();
        if service.text("certificate") != shown {
            before.push(("certificate", "none".into()));
            after.push(("certificate", shown.into()));
        }
        if service.is("disabled") {
            before.push(("disabled", "true".into()));
            after.push(("disabled", "no".into()));
        }
        if !after.is_empty() {
            let why = "the API over TLS, with the certificate that is pinned";
            let key = Key::named(SERVICE);
            self.step(Step::set(Menu::Service, why, key, before, after));
        }
    }

    fn make(&mut self, host: &str) {
        let row = self.survey.named(Section::Certificates, CERTIFICATE);
        if row.is_some_and(|row| row.get("fingerprint").is_some()) {
            return;
        }
        if row.is_none() {
            let kind = if host.parse::<IpAddr>().is_ok() {
                "IP"
            } else {
                "DNS"
            };
            self.step(Step::add(
                Menu::Certificate,
                "a certificate for the API over TLS",
                Key::named(CERTIFICATE),
                vec![
                    ("name", CERTIFICATE.into()),
                    ("common-name", host.into()),
                    ("subject-alt-name", format!("{kind}:{host}").into()),
                    ("key-size", KEY_SIZE.into()),
                    ("days-valid", DAYS_VALID.into()),
                    (
                        "key-usage",
                        "digital-signature,key-encipherment,tls-server".into(),
                    ),
                ],
            ));
        }
        self.step(Step {
            why: "a certificate for the API over TLS".into(),
            menu: Menu::Certificate,
            act: Act::Sign {
                name: CERTIFICATE.into(),
            },
        });
    }
}

fn service(survey: &Survey) -> Option<&Record> {
    let mut rows = survey.rows(Section::Services).iter();
    rows.find(|row| row.text("name") == SERVICE && !row.is("dynamic"))
}

/// The fingerprint of the certificate that the API over TLS shows (SHA-256, lower-case hex), and its port.
#[must_use]
pub fn certificate_of(survey: &Survey) -> Option<(String, u16)> {
    let service = service(survey)?;
    let shown = survey.named(Section::Certificates, service.text("certificate"))?;
    let fingerprint = shown
        .get("fingerprint")?
        .replace(':', "")
        .to_ascii_lowercase();
    Some((fingerprint, service.text("port").parse().ok()?))
}
