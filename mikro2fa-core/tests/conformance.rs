//! The in-memory ports pass the suites that the real ones have to pass.
