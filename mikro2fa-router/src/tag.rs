//! Our mark on a router: the comment of every list entry that is ours, and the administrator's `2FA`.
//!
//! ```text
//! mikro2fa 1f0c9a3e 0190a1b2c3d4e5f60718293a4b5c6d7e 12
//!          installation  session                     epoch of the owner that wrote it
//! ```

use mikro2fa_core::{
    id::{InstallationId, SessionId},
    router_backend::PermitTag,
    tunnel::Text,
};

/// What stands in the comment of a rule that may be bound.
const MARK: &str = "2FA";

/// Whose entries we make, and which ones we touch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tagger {
    installation: String,
}

impl Tagger {
    pub(crate) fn new(installation: InstallationId) -> Self {
        Self {
            installation: installation.short(),
        }
    }

    /// The comment of an entry of ours.
    pub(crate) fn print(&self, session: SessionId, epoch: u64) -> String {
        format!("mikro2fa {} {session} {epoch}", self.installation)
    }

    /// The comment of an entry of ours that is for no session: that we live.
    pub(crate) fn print_alive(&self, epoch: u64) -> String {
        format!("mikro2fa {} {:032} {epoch}", self.installation, 0)
    }

    /// Whose entry this comment marks. Only what [`print`](Self::print) could have written is ours: an entry whose
    /// comment a person has edited is theirs.
    pub(crate) fn parse(&self, comment: &Text) -> PermitTag {
        match Comment::parse(comment) {
            None => PermitTag::Foreign(comment.clone()),
            Some(it) if it.installation == self.installation => PermitTag::Ours {
                session: it.session,
                epoch: it.epoch,
            },
            Some(it) => PermitTag::OtherInstallation(it.installation.into()),
        }
    }
}

/// May a rule with this comment be bound?
pub(crate) fn is_marked(comment: &str) -> bool {
    comment.contains(MARK)
}

struct Comment<'a> {
    installation: &'a str,
    session: SessionId,
    epoch: u64,
}

impl<'a> Comment<'a> {
    fn parse(comment: &'a str) -> Option<Self> {
        let mut words = comment.strip_prefix("mikro2fa ")?.split(' ');
        let installation = words.next().filter(|word| is_hex(word, 8))?;
        let session = words.next().filter(|word| is_hex(word, 32))?;
        let epoch = words.next().filter(|word| is_plain_number(word))?;
        if words.next().is_some() {
            return None;
        }
        Some(Self {
            installation,
            session: session.parse().ok()?,
            epoch: epoch.parse().ok()?,
        })
    }
}

fn is_hex(word: &str, digits: usize) -> bool {
    word.len() == digits && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Digits as they are printed: no sign, no zero in front.
fn is_plain_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit()) && (word == "0" || !word.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn installation(of: u128) -> InstallationId {
        format!("{of:032x}").parse().unwrap()
    }

    fn session(of: u128) -> SessionId {
        format!("{of:032x}").parse().unwrap()
    }

    #[test]
    fn a_comment_names_installation_session_and_epoch() {
        let ours = Tagger::new(installation(0x1f0c_9a3e << 96));
        let comment: Text = ours.print(session(7), 12).into();
        assert_eq!(
            &*comment,
            "mikro2fa 1f0c9a3e 00000000000000000000000000000007 12"
        );
        let tag = PermitTag::Ours {
            session: session(7),
            epoch: 12,
        };
        assert_eq!(ours.parse(&comment), tag);
        let other = Tagger::new(installation(1 << 96));
        assert_eq!(
            other.parse(&comment),
            PermitTag::OtherInstallation("1f0c9a3e".into())
        );
    }

    #[test]
    fn what_is_not_letter_by_letter_ours_is_foreign() {
        let ours = Tagger::new(installation(0));
        let good = ours.print(session(7), 12);
        let bad = [
            String::new(),
            "mikro2fa".into(),
            "mikro2fa 00000000".into(),
            format!("{good} "),
            format!(" {good}"),
            format!("{good}x"),
            good.replace(" 12", " 012"),
            good.replace(" 12", " +12"),
            good.replace(" 12", " "),
            good.replace(" 12", " 99999999999999999999999"),
            good.replacen('0', "A", 1),
            good.replace("mikro2fa", "Mikro2fa"),
            good.replace(' ', "\t"),
        ];
        for comment in bad {
            let comment: Text = comment.into();
            assert_eq!(
                ours.parse(&comment),
                PermitTag::Foreign(comment.clone()),
                "{comment:?}"
            );
        }
    }

    #[test]
    fn rules_are_found_by_their_mark() {
        assert!(is_marked("office for ann, 2FA"));
        assert!(!is_marked("office for ann, 2fa"));
    }

    proptest! {
        #[test]
        fn what_was_printed_is_ours(of: u128, for_session: u128, epoch: u64) {
            let ours = Tagger::new(installation(of));
            let tag = PermitTag::Ours { session: session(for_session), epoch };
            prop_assert_eq!(ours.parse(&ours.print(session(for_session), epoch).into()), tag);
        }

        #[test]
        fn what_is_ours_was_printed(comment in "(mikro2fa|Mikro2fa)? ?[0-9a-f]{7,9} [0-9a-fA-F-]{31,36} [0-9+]{0,21} ?") {
            let ours = Tagger::new(installation(0));
            if let PermitTag::Ours { session, epoch } = ours.parse(&comment.as_str().into()) {
                prop_assert_eq!(ours.print(session, epoch), comment);
            }
        }

        #[test]
        fn any_comment_can_be_read(comment in "\\PC{0,80}") {
            let _ = Tagger::new(installation(0)).parse(&comment.into());
        }
    }
}
