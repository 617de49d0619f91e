//! How a fake server behaves.

use std::time::Duration;

/// What can be set. The default is a server that takes any token and any organization.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The only token that is let in, on version 1 `user:password`; `None` lets all in.
    pub token: Option<String>,
    /// The only organization that InfluxDB 2 knows; `None` knows all.
    pub org: Option<String>,
    /// What is behind `/api/v2/write` and `/write`.
    pub engine: Engine,
    /// The largest body of a write, before and after decompression.
    pub request_bytes_max: usize,
    /// The size of the pieces in which a response to a query is sent.
    pub piece_bytes: usize,
    /// The length of a shard group of a TSM engine. No type changes within one. That of a bucket
    /// can be changed midway, by `FakeInflux::set_shard_group`.
    pub shard_group: Duration,
    /// Which InfluxDB with a TSM engine it is.
    pub version: Version,
    /// Where InfluxDB 2 finds the bucket of a database.
    pub databases: Databases,
    /// Whether the token is an administrator's. On version 1 only they see shards.
    pub is_admin: bool,
    /// How SQL is answered, whatever the engine.
    pub sql: Sql,
    /// Which InfluxDB 3 answers SQL, and InfluxQL of an IOx engine.
    pub release: Release,
    /// What `SHOW CONTINUOUS QUERIES` lists on version 1.
    pub continuous_queries: Vec<ContinuousQuery>,
    /// What `/api/v2/tasks` lists on version 2.
    pub tasks: Vec<Task>,
}

/// A continuous query of version 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuousQuery {
    /// The database that it belongs to.
    pub database: String,
    /// Its name.
    pub name: String,
    /// `CREATE CONTINUOUS QUERY … END`, as the server writes it.
    pub query: String,
}

/// A task of version 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// What somebody wrote about it.
    pub description: Option<String>,
    /// Its script.
    pub flux: String,
    /// How often it runs, such as `1h`; `None` if a `cron` says it.
    pub every: Option<String>,
    /// Whether it runs.
    pub is_active: bool,
}

/// The releases of InfluxDB 3 Core that answer queries differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Up to 3.7, as 3.6.0 does it: every error of planning is a 500, a column of times is
    /// `Timestamp(Nanosecond, None)`; InfluxQL takes one statement, answers faults with a status,
    /// and ends each object with a line end.
    V3_6,
    /// As 3.10.1 does it by its sources. The text about files is that of 3.8, the name of the type
    /// and InfluxQL are those of 3.9.0, the statuses those of 3.9.1.
    V3_10,
}

/// How InfluxDB 3 answers SQL over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sql {
    /// As Core and Enterprise.
    Answered {
        /// A query fails for too many Parquet files if its range holds points of more days than
        /// these; `None` lets all through.
        days_max: Option<usize>,
    },
    /// As Serverless, Dedicated and Clustered: there is no `/api/v3/query_sql`.
    Absent,
}

/// The versions with a TSM engine, which speak differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// OSS 1.6.7. A bucket `db/rp` is the retention policy `rp` of the database `db`, and `db` is
    /// its `autogen`. The token is `user:password`, and taken only as Basic authentication.
    V1_6,
    /// OSS 2.9.1.
    V2,
}

/// Where InfluxDB 2 finds the bucket of a database and a retention policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Databases {
    /// As OSS: where it is listed; else the bucket `db/rp`, and for `autogen` the bucket `db`.
    Virtual(Vec<Mapping>),
    /// As Cloud: only where it is listed.
    Explicit(Vec<Mapping>),
    /// There is no InfluxQL: neither `/query` nor `/api/v2/dbrps`.
    Absent,
}

/// A mapping of a database and a retention policy to a bucket that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The database.
    pub database: String,
    /// The retention policy.
    pub policy: String,
    /// The name of the bucket, which has to exist.
    pub bucket: String,
    /// Whether the policy is the one that is taken where none is named.
    pub is_default: bool,
}

/// The two engines of InfluxDB, which judge writes differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// As InfluxDB OSS: `/api/v2/write` as 2.9.1, `/write` as 1.6.7, and InfluxQL as the version
    /// that is set. Buckets must exist.
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
            version: Version::V2,
            databases: Databases::Virtual(Vec::new()),
            is_admin: true,
            sql: Sql::Answered { days_max: None },
            release: Release::V3_10,
            continuous_queries: Vec::new(),
            tasks: Vec::new(),
        }
    }
}
