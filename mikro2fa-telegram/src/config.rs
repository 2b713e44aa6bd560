//! How the Telegram side is set up.

use mikro2fa_core::secret::Secret;

/// Telegram's own Bot API.
pub const TELEGRAM: &str = "https://api.telegram.org";

/// What the Telegram side has to know.
#[derive(Clone, Debug)]
pub struct TelegramConfig {
    /// The bot's token, from BotFather.
    pub token: Secret,
    /// The Bot API's address. Default: Telegram's own. A company's own server, or [`crate::fake_api`], is another.
    pub api_url: String,
    /// May strangers ask to be let in (`/register`)? Default no: then the bot says nothing to them but that it is private.
    pub self_registration: bool,
    /// How many messages a second at most, in all. Default 25: Telegram's limit is about 30 (Bot API FAQ). None = as fast
    /// as it goes, for a Bot API that has no limits.
    pub per_second: Option<u32>,
}

impl TelegramConfig {
    /// The defaults, with this token.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: Secret::new(token),
            api_url: TELEGRAM.to_owned(),
            self_registration: false,
            per_second: Some(25),
        }
    }

    /// Another Bot API.
    #[must_use]
    pub fn api_url(self, url: impl Into<String>) -> Self {
        Self {
            api_url: url.into(),
            ..self
        }
    }
}
