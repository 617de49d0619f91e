//! How a fake server behaves.

use std::time::Duration;

/// What can be set. The default is a server that takes any token and any organization.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The only token that is let in; `None` lets all in.
    pub token: Option<String>,
    /// The only organization that InfluxDB 2 knows; `None` knows all.
    pub org: Option<String>,
    /// What is behind `/api/v2/write` and `/write`.
    pub engine: Engine,
    /// The largest body of a write, before and after decompression.
    pub request_bytes_max: usize,
    /// The size of the pieces in which a response to a query is sent.
    pub piece_bytes: usize,
    /// The length of a shard group of a TSM engine. No type changes within one.
    pub shard_group: Duration,
}

/// The two engines of InfluxDB, which judge writes differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// As InfluxDB OSS: `/api/v2/write` as 2.9.1, `/write` as 1.6.7. Buckets must exist.
    Tsm,
    /// As InfluxDB 3 Core 3.10: a write makes its database, and one bad line refuses a whole
    /// body on these two paths.
    Iox,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: None,
            org: None,
            engine: Engine::Tsm,
            // As InfluxDB 3 Core has it.
            request_bytes_max: 10 * 1024 * 1024,
            piece_bytes: 64 * 1024,
            // As a bucket without an end of retention has it; weeks begin on Mondays.
            shard_group: Duration::from_secs(7 * 24 * 60 * 60),
        }
    }
}
