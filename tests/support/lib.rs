//! What the tests lean on: an InfluxDB that does as it is told, real servers where they are
//! installed, and a client that sees every byte.
//!
//! Knows nothing of tsm2iox, so that a test compares it with something that was not made from it.

pub mod client;
pub mod influx;
pub mod servers;
mod wire;
