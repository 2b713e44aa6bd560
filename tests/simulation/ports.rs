//! The ports in memory, each behind a wrapper that takes time, breaks, dies, and writes down what happened.

mod database;
mod device;
mod messenger;

pub(crate) use database::Database;
pub(crate) use device::Device;
pub(crate) use messenger::Messenger;
