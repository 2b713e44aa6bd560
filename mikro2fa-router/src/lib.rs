//! RouterOS backend of mikro2fa, and a RouterOS simulator.
