//! What can go wrong before anything is sent.

use thiserror::Error;

/// Why the Telegram side could not be started, or had to stop.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The token can't be one.
    #[error("the bot token has not the form 123456789:AAE…; copy it from BotFather once more")]
    MalformedToken,
    /// Telegram does not take the token.
    #[error(
        "telegram refuses the bot token; it may have been revoked: get the present one from BotFather"
    )]
    TokenRefused,
    /// The Bot API's address can't be one.
    #[error("the Bot API's address is no URL: {0}; leave it out to use Telegram's own")]
    MalformedApiUrl(String),
    /// Telegram did not answer.
    #[error(
        "telegram does not answer ({0}); check this machine's way to the internet, or the Bot API's address"
    )]
    Unreachable(String),
}
