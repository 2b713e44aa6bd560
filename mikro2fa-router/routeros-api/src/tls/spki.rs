//! Finding the public key in a certificate, whatever else is odd about it.
//!
//! ```text
//! Certificate    ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
//! TBSCertificate ::= SEQUENCE { [0] version OPTIONAL, serial, algorithm, issuer, validity, subject, key, … }
//! Key            ::= SEQUENCE { algorithm SEQUENCE, BIT STRING }
//! ```
//! (RFC 5280, section 4.1.) Only what stands before the key is walked over; nothing in it is judged.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;

/// A subject's public key inside its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PublicKey<'a> {
    /// The whole SubjectPublicKeyInfo.
    pub(super) whole: &'a [u8],
    /// What the algorithm's SEQUENCE holds.
    pub(super) algorithm: &'a [u8],
    /// The key itself.
    pub(super) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// The key of a certificate in DER; `None` if it is not built like one.
    pub(super) fn of_certificate(certificate: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(certificate).value(SEQUENCE)?;
        let mut body = certificate.value(SEQUENCE)?;
        if body.0.first() == Some(&VERSION) {
            body.value(VERSION)?;
        }
        body.value(INTEGER)?;
        for _algorithm_issuer_validity_subject in 0..4 {
            body.value(SEQUENCE)?;
        }
        let before = body.0;
        let mut key = body.value(SEQUENCE)?;
        let whole = before.get(..before.len() - body.0.len())?;
        let algorithm = key.value(SEQUENCE)?.0;
        // The first byte of a bit string counts the unused bits at its end; keys have none.
        let bits = key.value(BIT_STRING)?.0.strip_prefix(&[0])?;
        Some(Self {
            whole,
            algorithm,
            bits,
        })
    }
}

/// DER that has not been read yet.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// Takes the next element, which must have this tag, and gives its content.
    fn value(&mut self, tag: u8) -> Option<Self> {
        let (length, rest) = match self.0 {
            [found, short @ 0..=0x7F, rest @ ..] if *found == tag => (usize::from(*short), rest),
            [found, 0x81, a, rest @ ..] if *found == tag => (usize::from(*a), rest),
            [found, 0x82, a, b, rest @ ..] if *found == tag => {
                (usize::from(u16::from_be_bytes([*a, *b])), rest)
            }
            [found, 0x83, a, b, c, rest @ ..] if *found == tag => (
                usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).ok()?,
                rest,
            ),
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A certificate of version 1: no version field, no extensions, empty names.
    fn version_1() -> Vec<u8> {
        let key = [
            0x30, 0x09, 0x30, 0x03, 0x06, 0x01, 0x2A, 0x03, 0x02, 0x00, 0xEE,
        ];
        let mut body = vec![0x02, 0x01, 0x07];
        body.extend([0x30, 0x00].repeat(4));
        body.extend(key);
        let mut whole = vec![
            0x30,
            u8::try_from(body.len() + 2).unwrap(),
            0x30,
            u8::try_from(body.len()).unwrap(),
        ];
        whole.extend(body);
        whole
    }

    #[test]
    fn the_key_of_an_old_certificate_is_found() {
        let certificate = version_1();
        let key = PublicKey::of_certificate(&certificate).unwrap();
        assert_eq!(key.algorithm, [0x06, 0x01, 0x2A]);
        assert_eq!(key.bits, [0xEE]);
        assert_eq!(key.whole.len(), 11);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = PublicKey::of_certificate(&bytes);
        }

        #[test]
        fn any_damage_is_survived(at in 0_usize..30, byte: u8, cut in 0_usize..40) {
            let mut bytes = version_1();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            let _ = PublicKey::of_certificate(&bytes);
        }
    }
}
