//! Session state machine, enforcement, ports and engine of mikro2fa.
