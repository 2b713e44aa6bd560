//! Errors in RouterOS's own words.

use super::version::Version;

/// A `!trap`: what RouterOS says went wrong.
///
/// Texts and categories are those users and client libraries report; MikroTik documents only the categories (manual, *API*):
/// 0 missing item or command, 1 argument value, 2 interrupted, 3 script, 4 general, 5 API, 6 TTY, 7 value of `:return`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Trap {
    pub(crate) category: Option<u8>,
    pub(crate) message: String,
}

impl Trap {
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self {
            category: None,
            message: message.into(),
        }
    }

    fn with(category: u8, message: impl Into<String>) -> Self {
        Self {
            category: Some(category),
            message: message.into(),
        }
    }

    pub(crate) fn no_such_item() -> Self {
        Self::with(0, "no such item")
    }

    /// The menu does not exist; `unknown` is the first part of the path that does not.
    pub(crate) fn no_such_menu(version: Version, unknown: &str) -> Self {
        if version.names_unknown_commands() {
            Self::with(0, format!("no such command or directory ({unknown})"))
        } else {
            Self::with(0, "no such command prefix")
        }
    }

    /// The menu exists, the command does not.
    pub(crate) fn no_such_command(version: Version, unknown: &str) -> Self {
        if version.names_unknown_commands() {
            Self::no_such_menu(version, unknown)
        } else {
            Self::with(0, "no such command")
        }
    }

    pub(crate) fn not_enough_permissions() -> Self {
        Self::plain("not enough permissions (9)")
    }

    pub(crate) fn unknown_parameter(version: Version, name: &str) -> Self {
        if version.names_unknown_parameters() {
            Self::plain(format!("unknown parameter {name}"))
        } else {
            Self::plain("unknown parameter")
        }
    }

    pub(crate) fn no_match(name: &str) -> Self {
        Self::with(1, format!("input does not match any value of {name}"))
    }

    pub(crate) fn ambiguous(name: &str) -> Self {
        Self::with(
            1,
            format!("ambiguous value of {name}, more than one possible value matches input"),
        )
    }

    pub(crate) fn invalid_value(name: &str) -> Self {
        Self::with(1, format!("invalid value for argument {name}"))
    }

    pub(crate) fn missing_value(name: &str) -> Self {
        Self::with(1, format!("missing value(s) of argument(s) {name}"))
    }

    /// A command that needs a target was sent without one.
    pub(crate) fn missing_id() -> Self {
        Self::with(0, "missing =.id=")
    }

    pub(crate) fn interrupted() -> Self {
        Self::with(2, "interrupted")
    }

    /// What the thing itself refused, with RouterOS's `failure: ` before it.
    pub(crate) fn failure(text: &str) -> Self {
        Self::plain(format!("failure: {text}"))
    }
}
