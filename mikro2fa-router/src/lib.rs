//! RouterOS backend of mikro2fa, and a RouterOS simulator.

pub mod duration;
pub mod firewall;
