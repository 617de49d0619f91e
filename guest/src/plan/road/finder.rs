//! Looks for the road to a source: one question after the other. Does not know batches or points.

use std::collections::VecDeque;

use super::{DEFAULT_POLICY, Database, HOUR_SECONDS, Road, common_part, names, overlap_warning};
use crate::converter::tables;
use crate::error::{Endpoint, Error, Fault};
use crate::plan::collect::Collect;
use crate::plan::exchange::{Ids, Want};
use crate::plan::fields::Fields;
use crate::plan::note::list;
use crate::plan::schema::{Measurement, shared_fields};
use crate::plan::{Answer, Note};
use crate::protocol::mapping::{self, Mapping};
use crate::protocol::{Call, influxql};
use crate::settings::{Language, Place, Selection, Settings, Source};
use crate::time::Timestamp;

/// A road, while it is looked for.
#[derive(Debug)]
pub(crate) struct RoadFinder {
    side: Endpoint,
    place: Place,
    /// Whether it may be Flux.
    language: Language,
    selection: Selection,
    attempts_max: u32,
    /// 1.x has shards that an administrator may list.
    has_shards: bool,
    cell_seconds: i64,
    stage: Stage,
    asking: Option<Collect>,
    pub(crate) notes: VecDeque<Note>,
}

#[derive(Debug)]
enum Stage {
    /// Which bucket is it?
    Bucket,
    /// Which databases stand for it?
    Mappings {
        bucket_id: String,
    },
    /// Does this database stand for no other bucket?
    Reached {
        bucket_id: String,
        mapping: Mapping,
    },
    /// Does it answer, and which retention policies does it have?
    Policies {
        database: String,
        policy: Option<String>,
    },
    /// Does it tell where shard groups are?
    Shards {
        database: Database,
    },
    /// Are there fields in several retention policies, and all measurements that are wanted?
    Schema {
        database: Database,
        fields: Box<Fields>,
    },
    Found(Road),
}

impl RoadFinder {
    /// `None` for a file, to which no road leads.
    pub(crate) fn open(settings: &Settings) -> Option<Self> {
        let Settings { source, selection, limits, .. } = settings;
        let (place, language) = match source {
            Source::File(..) => return None,
            Source::V1(place) => (place, Language::InfluxQl),
            // A condition is InfluxQL.
            Source::V2(place, Language::Auto) if selection.condition.is_some() => {
                (place, Language::InfluxQl)
            }
            Source::V2(place, language) => (place, *language),
        };
        let mut finder = Self {
            side: settings.reads,
            place: place.clone(),
            language,
            selection: selection.clone(),
            attempts_max: limits.attempts_max,
            has_shards: matches!(source, Source::V1(_)),
            cell_seconds: HOUR_SECONDS,
            stage: Stage::Found(Road::Flux),
            asking: None,
            notes: VecDeque::new(),
        };
        match source {
            Source::V1(_) => {
                let (database, policy) = names(&place.bucket);
                finder.ask_policies(database, policy);
            }
            _ if language == Language::Flux => finder.warn_of_flux(),
            _ if selection.filter.is_some() => finder.take_flux("`migration.filter` is Flux", None),
            _ => finder.ask(Stage::Bucket, mapping::bucket(place)),
        }
        Some(finder)
    }

    fn ask(&mut self, stage: Stage, call: Call) {
        self.stage = stage;
        self.asking = Some(Collect::new(call.at(self.side), self.attempts_max));
    }

    fn ask_policies(&mut self, database: String, policy: Option<String>) {
        let statements = [influxql::retention_policies(&database)];
        let call = influxql::call(&database, &statements, &self.place.bucket);
        self.ask(Stage::Policies { database, policy }, call);
    }

    pub(crate) fn found(&self) -> Option<&Road> {
        match &self.stage {
            Stage::Found(road) => Some(road),
            _ => None,
        }
    }

    pub(crate) fn want(&mut self, now: Timestamp, ids: &mut Ids) -> Want {
        match (&mut self.asking, &mut self.stage) {
            (Some(asking), _) => asking.want(now, ids),
            (None, Stage::Schema { fields, .. }) => fields.want(now, ids),
            (None, _) => Want::Nothing,
        }
    }

    pub(crate) fn owns(&self, id: u64) -> bool {
        match (&self.asking, &self.stage) {
            (Some(asking), _) => asking.owns(id),
            (None, Stage::Schema { fields, .. }) => fields.owns(id),
            (None, _) => false,
        }
    }

    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Error> {
        if let Stage::Schema { database, fields } = &mut self.stage {
            let database = database.clone();
            return match fields.answer(answer) {
                Ok(None) => Ok(()),
                Ok(Some(schema)) => {
                    self.take_schema(&schema, database);
                    Ok(())
                }
                Err(error) => self.refused(error),
            };
        }
        let Some(asking) = &mut self.asking else { return Ok(()) };
        match asking.answer(answer) {
            Ok(None) => Ok(()),
            Ok(Some(body)) => self.take(&body).or_else(|error| self.refused(error)),
            Err(error) if error.fault == Fault::Unauthorized && self.asks_for_shards() => {
                self.go_without_shards();
                Ok(())
            }
            Err(error) if self.may_go_by_name(&error) => {
                let (database, policy) = names(&self.place.bucket);
                self.notes.push_back(Note::warning(format!(
                    "it cannot be checked whether database `{database}` is this bucket: {error}"
                )));
                let policy = policy.unwrap_or_else(|| DEFAULT_POLICY.to_owned());
                self.ask_policies(database, Some(policy));
                Ok(())
            }
            Err(error) => self.refused(error),
        }
    }

    /// Whether a person wants InfluxQL, and the source does not say what it knows the bucket as.
    fn may_go_by_name(&self, error: &Error) -> bool {
        let is_refusal =
            matches!(error.fault, Fault::Unauthorized | Fault::Missing | Fault::Malformed);
        is_refusal
            && self.language == Language::InfluxQl
            && matches!(self.stage, Stage::Bucket | Stage::Mappings { .. } | Stage::Reached { .. })
    }

    fn take(&mut self, body: &[u8]) -> Result<(), Error> {
        self.asking = None;
        match std::mem::replace(&mut self.stage, Stage::Bucket) {
            Stage::Bucket => match mapping::found_bucket(&self.place, body)? {
                Some(bucket) => {
                    self.cell_seconds = common_part(HOUR_SECONDS, bucket.shard_group_seconds());
                    let bucket_id = bucket.id;
                    let call = mapping::of_bucket(&self.place, &bucket_id);
                    self.ask(Stage::Mappings { bucket_id }, call);
                    Ok(())
                }
                None => {
                    let message = format!("there is no bucket `{}`", self.place.bucket);
                    Err(Error::new(Fault::Missing, message).at(self.side))
                }
            },
            Stage::Mappings { bucket_id } => {
                let Some(mapping) = mapping::mappings(body)?.into_iter().next() else {
                    return Err(self.unmapped(&bucket_id));
                };
                let call = mapping::of_database(&self.place, &mapping.database);
                self.ask(Stage::Reached { bucket_id, mapping }, call);
                Ok(())
            }
            Stage::Reached { bucket_id, mapping } => {
                if !mapping.is_reached(&mapping::mappings(body)?) {
                    return Err(self.unmapped(&bucket_id));
                }
                self.ask_policies(mapping.database, Some(mapping.retention_policy));
                Ok(())
            }
            Stage::Policies { database, policy } => self.take_policies(body, database, policy),
            Stage::Shards { mut database } => {
                // What they are, each batch asks anew.
                database.shows_shards = true;
                self.ask_schema(database);
                Ok(())
            }
            Stage::Schema { .. } | Stage::Found(_) => Ok(()),
        }
    }

    fn take_policies(
        &mut self,
        body: &[u8],
        name: String,
        policy: Option<String>,
    ) -> Result<(), Error> {
        let tables = tables(body, 1)?;
        let mut policies = Vec::new();
        for table in &tables {
            policies.extend(table.texts(["name"])?.into_iter().map(|[name]| name.to_owned()));
        }
        if policies.is_empty() {
            // As InfluxDB 2.x answers for a database that it does not know (observed on 2.9.1).
            let message = format!("InfluxQL knows no database `{name}`");
            let error = Error::new(Fault::Missing, message).at(self.side);
            return Err(error.with_hint(format!("look at `{}.bucket`", self.side.name())));
        }
        if let Some(policy) = policy {
            if !policies.contains(&policy) {
                let found = list(&policies);
                let message = format!("database `{name}` has no retention policy `{policy}`");
                let error = Error::new(Fault::Missing, message).at(self.side);
                return Err(error.with_hint(format!("it has {found}")));
            }
            policies = vec![policy];
        }
        let cell_seconds = self.cell_seconds;
        let database = Database { name, policies, shows_shards: false, cell_seconds };
        if self.has_shards {
            // By itself: where it is not allowed, the whole request is refused.
            let statements = [influxql::shards()];
            let call = influxql::call(&database.name, &statements, &self.place.bucket);
            self.ask(Stage::Shards { database }, call);
        } else {
            self.ask_schema(database);
        }
        Ok(())
    }

    fn asks_for_shards(&self) -> bool {
        matches!(self.stage, Stage::Shards { .. })
    }

    fn go_without_shards(&mut self) {
        let note = Note::warning(
            "this user may not list shard groups: where a field has integers and floats, and the \
             duration of shard groups was ever made longer, integers may arrive as floats"
                .to_owned(),
        );
        let hint = "for the migration, take a user who may `SHOW SHARDS`: an administrator";
        self.notes.push_back(note.with_hint(hint));
        self.asking = None;
        if let Stage::Shards { database } = std::mem::replace(&mut self.stage, Stage::Bucket) {
            self.ask_schema(database);
        }
    }

    fn take_schema(&mut self, schema: &[Measurement], database: Database) {
        let wanted = &self.selection.measurements;
        let is_there = |name: &&String| schema.iter().any(|found| found.name == **name);
        let missing: Vec<_> = wanted.iter().filter(|name| !is_there(name)).cloned().collect();
        if !missing.is_empty() {
            let message =
                format!("the {} has no measurement {}", self.side.title(), list(&missing));
            let hint = "look at `migration.measurements`";
            self.notes.push_back(Note::warning(message).with_hint(hint));
        }
        let shared = shared_fields(schema);
        if !shared.is_empty() {
            self.notes.push_back(overlap_warning(&shared));
        }
        self.end_at(database);
    }

    fn ask_schema(&mut self, database: Database) {
        let wanted = &self.selection.measurements;
        if database.policies.len() < 2 && wanted.is_empty() {
            return self.end_at(database);
        }
        let (bucket, attempts_max) = (&self.place.bucket, self.attempts_max);
        let fields = Fields::new(self.side, &database, wanted, bucket, attempts_max).into();
        self.stage = Stage::Schema { database, fields };
    }

    fn end_at(&mut self, database: Database) {
        let Database { name, policies, .. } = &database;
        let many = if policies.len() == 1 { "policy" } else { "policies" };
        let policies = list(policies);
        let message = format!("reads by InfluxQL: database `{name}`, retention {many} {policies}");
        self.notes.push_back(Note::info(message));
        self.stage = Stage::Found(Road::InfluxQl(database));
    }

    fn take_flux(&mut self, why: &str, hint: Option<String>) {
        let note = Note::info(format!("reads by Flux: {why}"));
        self.notes.push_back(Note { hint, ..note });
        self.warn_of_flux();
        self.asking = None;
        self.stage = Stage::Found(Road::Flux);
    }

    fn warn_of_flux(&mut self) {
        self.notes.push_back(Note::warning(
            "Flux does not tell what it leaves out: values of a field whose type changes from one \
             shard group to another, tags called `_start` and `_stop`, a lone `\\r` in a string that \
             has a comma or a quote, and the last nanosecond that there is"
                .to_owned(),
        ));
    }

    fn unmapped(&self, bucket_id: &str) -> Error {
        let Place { org, bucket, .. } = &self.place;
        // A name of its own: a mapping goes before the bucket that has the name of its database, and
        // would take the writes and queries of others.
        let message = format!("InfluxQL knows bucket `{bucket}` under no name");
        Error::new(Fault::Unsupported, message).at(self.side).with_hint(format!(
            "to map it: influx v1 dbrp create --org '{org}' --db '{bucket}-tsm2iox' \
             --rp {DEFAULT_POLICY} --bucket-id {bucket_id}"
        ))
    }

    /// What the source does not answer here ends the search, or leads to Flux: only an answer that says
    /// that there is no InfluxQL here, for Flux may leave something out.
    fn refused(&mut self, error: Error) -> Result<(), Error> {
        let error = error.of_side(self.side);
        match error.fault {
            // Nobody is there, or nobody is let in: perhaps only now.
            Fault::Unauthorized if matches!(self.stage, Stage::Bucket) => Err(error),
            Fault::Stopped
            | Fault::Unreachable
            | Fault::Unavailable
            | Fault::TimedOut
            | Fault::Truncated
            | Fault::Exhausted
            | Fault::Internal => Err(error),
            Fault::Malformed => {
                let hint =
                    "if this source answers to no InfluxQL, set `source.language = \"flux\"`";
                Err(error.with_hint(hint))
            }
            Fault::Settings
            | Fault::Unauthorized
            | Fault::Missing
            | Fault::TooLarge
            | Fault::Refused
            | Fault::Unsupported => match self.language {
                Language::Auto => {
                    // How to map a bucket is worth a word; what else is wrong, Flux will say.
                    let hint = error.hint.filter(|_| error.fault == Fault::Unsupported);
                    self.take_flux(&error.message, hint);
                    Ok(())
                }
                Language::InfluxQl | Language::Flux => Err(error),
            },
        }
    }
}
