//! SQLite and PostgreSQL store of mikro2fa.
