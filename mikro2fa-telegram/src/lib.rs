//! Telegram notifier and bot of mikro2fa, and a fake Bot API.
