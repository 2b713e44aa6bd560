//! SSH: its settings and the keys of users.

use super::{COMMENT, Field, Kind, Menu, MenuId, Verbs, field, flag, number, text, words};
use crate::simulator::policy::Policy;

/// When which setting came and went is read off the command trees of 7.10 to 7.22.
pub(super) static SSH: Menu = Menu::single(
    "/ip/ssh",
    &[
        words("forwarding-enabled", &["both", "local", "no", "remote"]).or("no"),
        flag("always-allow-password-login").until(7, 21),
        words("password-authentication", &["no", "yes", "yes-if-no-key"])
            .or("yes-if-no-key")
            .since(7, 21),
        words(
            "publickey-authentication-options",
            &["none", "touch-required", "verify-required"],
        )
        .or("none")
        .since(7, 21),
        flag("strong-crypto"),
        flag("allow-none-crypto").until(7, 17),
        text("ciphers").or("auto").since(7, 17),
        words("host-key-size", &["1024", "1536", "2048", "4096", "8192"]).or("2048"),
        words("host-key-type", &["ed25519", "rsa"])
            .or("rsa")
            .since(7, 9),
    ],
);

const fn shown(name: &'static str) -> Field {
    text(name).read_only()
}

pub(super) static SSH_KEYS: Menu = Menu::table(
    "/user/ssh-keys",
    Verbs::ADD.with(Verbs::REMOVE),
    &[
        field("user", Kind::Reference(MenuId::User, &[])).required(),
        text("key").required(),
        number("bits").read_only(),
        shown("key-type").since(7, 20),
        shown("key-owner").until(7, 20),
        shown("info").since(7, 20),
        shown("fingerprint").since(7, 20),
        COMMENT,
    ],
)
.written_with(Policy::POLICY);
