//! Asking for the measurements and fields of a source. Does not know what they are asked for.
//!
//! `SHOW FIELD KEYS` with several measurements in one statement, or with a regular expression,
//! takes a time that grows with the square of their number (17 s for 2000, and minutes of the
//! server's time after the client has gone: observed on InfluxDB 1.6.7 and 2.9.1). Without `FROM`,
//! and with the retention policy beside it, it takes milliseconds.

use std::collections::VecDeque;

use super::Answer;
use super::collect::Collect;
use super::exchange::{Ids, Want};
use super::road::Database;
use super::schema::{Measurement, join, schema};
use crate::error::{Endpoint, Error};
use crate::protocol::Call;
use crate::protocol::influxql::{self, STATEMENTS_MAX};
use crate::time::Timestamp;

/// A schema, while it is asked for.
#[derive(Debug)]
pub(crate) struct Fields {
    side: Endpoint,
    bucket: String,
    database: String,
    attempts_max: u32,
    asking: Collect,
    asked: Question,
    left: VecDeque<Question>,
    schema: Vec<Measurement>,
}

/// A retention policy, and the measurements that are wanted of it; none for all.
#[derive(Debug)]
struct Question {
    policy: String,
    measurements: Vec<String>,
}

impl Fields {
    /// Asks a side for these measurements of all retention policies; for all, if none are named.
    pub(crate) fn new(
        side: Endpoint,
        database: &Database,
        measurements: &[String],
        bucket: &str,
        attempts_max: u32,
    ) -> Self {
        let mut left = VecDeque::new();
        for policy in &database.policies {
            let question = |measurements: &[String]| Question {
                policy: policy.clone(),
                measurements: measurements.to_vec(),
            };
            match measurements {
                [] => left.push_back(question(&[])),
                names => left.extend(names.chunks(STATEMENTS_MAX).map(question)),
            }
        }
        let asked = left.pop_front().expect("a database has a retention policy");
        let call = call(side, &database.name, &asked, bucket);
        Self {
            side,
            bucket: bucket.to_owned(),
            database: database.name.clone(),
            attempts_max,
            asking: Collect::new(call, attempts_max),
            asked,
            left,
            schema: Vec::new(),
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        self.asking.want(now, ids)
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        self.asking.owns(id)
    }

    /// Takes an answer; returns the schema once it is whole.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<Option<Vec<Measurement>>, Error> {
        let Some(body) = self.asking.answer(answer)? else { return Ok(None) };
        let statements = self.asked.measurements.len().max(1);
        self.schema.extend(schema(&body, &self.asked.policy, statements)?);
        let Some(next) = self.left.pop_front() else {
            return Ok(Some(join(std::mem::take(&mut self.schema))));
        };
        let call = call(self.side, &self.database, &next, &self.bucket);
        self.asking = Collect::new(call, self.attempts_max);
        self.asked = next;
        Ok(None)
    }
}

fn call(side: Endpoint, database: &str, question: &Question, bucket: &str) -> Call {
    let Question { policy, measurements } = question;
    let statements = influxql::field_keys(database, policy, measurements);
    influxql::call_on_policy(database, policy, &statements, bucket).at(side)
}
