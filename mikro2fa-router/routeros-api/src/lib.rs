//! MikroTik RouterOS API protocol: sans-IO codec and a pipelining tokio client.
