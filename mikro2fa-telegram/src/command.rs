//! Commands, and the keys of the menu, which are the same.

use mikro2fa_core::desk::Language;
use teloxide::types::BotCommand;

use crate::text::{Key, Texts};

/// What somebody can ask for by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Start,
    RequestVpn,
    MySessions,
    Extend,
    Status,
    DisableVpn,
    Language,
    Register,
    Whoami,
    Help,
    Cancel,
    Pending,
    Approve,
    Reject,
    Sessions,
    Bans,
    Routers,
    /// What there is for operators; a key of the menu only.
    Admin,
}

/// A command, and what stood behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) command: Command,
    pub(crate) rest: String,
}

const NAMES: [(&str, Command, Key); 17] = [
    ("start", Command::Start, Key::CommandStart),
    ("request_vpn", Command::RequestVpn, Key::CommandRequestVpn),
    ("my_sessions", Command::MySessions, Key::CommandMySessions),
    ("extend", Command::Extend, Key::CommandExtend),
    ("status", Command::Status, Key::CommandStatus),
    ("disable_vpn", Command::DisableVpn, Key::CommandDisableVpn),
    ("language", Command::Language, Key::CommandLanguage),
    ("register", Command::Register, Key::CommandRegister),
    ("whoami", Command::Whoami, Key::CommandWhoami),
    ("help", Command::Help, Key::CommandHelp),
    ("cancel", Command::Cancel, Key::CommandCancel),
    ("pending", Command::Pending, Key::CommandPending),
    ("approve", Command::Approve, Key::CommandApprove),
    ("reject", Command::Reject, Key::CommandReject),
    ("sessions", Command::Sessions, Key::CommandSessions),
    ("bans", Command::Bans, Key::CommandBans),
    ("routers", Command::Routers, Key::CommandRouters),
];

const MENU: [(Key, Command); 5] = [
    (Key::MenuRequest, Command::RequestVpn),
    (Key::MenuSessions, Command::MySessions),
    (Key::MenuStatus, Command::Status),
    (Key::MenuOff, Command::DisableVpn),
    (Key::MenuAdmin, Command::Admin),
];

/// Which list of commands a chat is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Somebody we do not know.
    Stranger,
    /// A user.
    User,
    /// A user who administers.
    Operator,
}

impl Command {
    /// Is it for operators only?
    pub(crate) const fn is_for_operators(self) -> bool {
        matches!(
            self,
            Self::Pending
                | Self::Approve
                | Self::Reject
                | Self::Sessions
                | Self::Bans
                | Self::Routers
                | Self::Admin
        )
    }

    /// Names and descriptions of what is for operators only.
    pub(crate) fn for_operators() -> impl Iterator<Item = (&'static str, Key)> {
        NAMES
            .iter()
            .filter(|(_, command, _)| command.is_for_operators())
            .map(|(name, _, key)| (*name, *key))
    }

    /// The commands of a list, as Telegram shows them.
    pub(crate) fn list(texts: &Texts, language: Language, listed: Listed) -> Vec<BotCommand> {
        let shown = |command: Self| match listed {
            Listed::Stranger => command == Self::Start,
            Listed::User => !command.is_for_operators() && command != Self::Register,
            Listed::Operator => command != Self::Register,
        };
        NAMES
            .iter()
            .filter(|(_, command, _)| shown(*command))
            .map(|(name, _, key)| BotCommand::new(*name, texts.words(language, *key)))
            .collect()
    }
}

impl Asked {
    /// What a text asks for: a command, addressed to this bot or to none, or a key of the menu in any language.
    pub(crate) fn read(texts: &Texts, text: &str, bot: Option<&str>) -> Option<Self> {
        let text = text.trim();
        if let Some((_, command)) = MENU.iter().find(|(key, _)| texts.is_label(*key, text)) {
            return Some(Self {
                command: *command,
                rest: String::new(),
            });
        }
        let (word, rest) = text
            .strip_prefix('/')?
            .split_once(char::is_whitespace)
            .unwrap_or((text.get(1..)?, ""));
        let (name, addressed) = word
            .split_once('@')
            .map_or((word, None), |(name, bot)| (name, Some(bot)));
        if let (Some(addressed), Some(bot)) = (addressed, bot)
            && !addressed.eq_ignore_ascii_case(bot)
        {
            return None;
        }
        let (_, command, _) = NAMES
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        Some(Self {
            command: *command,
            rest: rest.trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Command, String)> {
        Asked::read(&Texts::new(), text, Some("mikro2fa_bot"))
            .map(|asked| (asked.command, asked.rest))
    }

    #[test]
    fn commands_and_menu_keys_are_the_same() {
        assert_eq!(
            read("/start  abc "),
            Some((Command::Start, "abc".to_owned()))
        );
        assert_eq!(
            read("/My_Sessions@mikro2fa_BOT"),
            Some((Command::MySessions, String::new()))
        );
        assert_eq!(read("/status@other_bot"), None);
        assert_eq!(
            read("Request access"),
            Some((Command::RequestVpn, String::new()))
        );
        assert_eq!(
            read("Мои сессии"),
            Some((Command::MySessions, String::new()))
        );
        for other in [
            "",
            "/",
            "start",
            "/nothing",
            "request access please",
            "/startabc",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn lists_keep_telegrams_limits() {
        let texts = Texts::new();
        for listed in [Listed::Stranger, Listed::User, Listed::Operator] {
            for language in [Language::En, Language::Ru] {
                let list = Command::list(&texts, language, listed);
                assert!(!list.is_empty());
                assert!(
                    list.iter()
                        .all(|c| c.command.len() <= 14 && c.description.chars().count() <= 60)
                );
            }
        }
    }
}
