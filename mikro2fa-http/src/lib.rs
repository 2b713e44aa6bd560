//! The mikro2fa binary: REST, webhook, serve and demo.
