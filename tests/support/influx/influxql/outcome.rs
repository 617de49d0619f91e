//! The elements of `results`, and the maps they travel in.
//!
//! Each map is `{"results":[{"statement_id":0,"series":[…]}]}`. Follows `services/httpd/handler.go`
//! of 1.6 and `influxql/query/proxy_executor.go` of 2.9, which do the same but where it says so.

use crate::influx::msgpack::{
    push_array, push_boolean, push_integer, push_map, push_text, push_value,
};
use crate::influx::points::Value;

/// One element of `results`.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// A part of what a statement found.
    Found(Found),
    /// Why a statement failed, or was not executed. The server says no more of it.
    Failed { statement: usize, message: String },
}

/// A part of what a statement found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) statement: usize,
    pub(super) series: Vec<Rows>,
    /// Whether more of the same statement follows.
    pub(super) is_partial: bool,
}

/// Rows of one series, or of a list that is no series.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) name: String,
    pub(super) tags: Vec<(String, String)>,
    pub(super) columns: Vec<String>,
    pub(super) values: Vec<Vec<Option<Value>>>,
    /// Whether more of the same series follows.
    pub(super) is_partial: bool,
}

impl Outcome {
    fn statement(&self) -> usize {
        match self {
            Self::Found(found) => found.statement,
            Self::Failed { statement, .. } => *statement,
        }
    }
}

impl Rows {
    /// Whether both are of one series.
    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.tags) == (&other.name, &other.tags)
    }
}

/// Whether a series that comes in several parts stays partial when they are put together, which it
/// does on 1.6.7, though nothing of it is missing (observed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    StaysPartial,
    IsWhole,
}

/// Puts the parts of each statement together, as it is done where no chunks are asked for.
pub(super) fn gathered(outcomes: Vec<Outcome>, joined: Joined) -> Vec<Outcome> {
    let mut gathered: Vec<Outcome> = Vec::new();
    for outcome in outcomes {
        match (gathered.last_mut(), outcome) {
            (Some(Outcome::Found(whole)), Outcome::Found(part))
                if whole.statement == part.statement =>
            {
                join(whole, part, joined);
            }
            (Some(last), failed @ Outcome::Failed { .. })
                if last.statement() == failed.statement() =>
            {
                *last = failed;
            }
            (_, outcome) => gathered.push(outcome),
        }
    }
    gathered
}

fn join(whole: &mut Found, part: Found, joined: Joined) {
    whole.is_partial = part.is_partial;
    for rows in part.series {
        match whole.series.last_mut() {
            Some(last) if last.is_same(&rows) => {
                last.values.extend(rows.values);
                if joined == Joined::IsWhole {
                    last.is_partial = rows.is_partial;
                }
            }
            _ => whole.series.push(rows),
        }
    }
}

/// What is left of these parts where `max-row-limit` is reached, which is asked only where no chunks
/// are: the series that reaches it is partial if rows of it were cut off, and all that would come
/// after it is gone without a word, later statements too (recorded in
/// `influxql/row_limit_*.msgpack`).
pub(super) fn limited(outcomes: Vec<Outcome>, rows_max: usize) -> Vec<Outcome> {
    let mut left: Vec<Outcome> = Vec::new();
    let mut rows = 0;
    for outcome in outcomes {
        let Outcome::Found(mut found) = outcome else {
            left.push(outcome);
            continue;
        };
        for (index, series) in found.series.iter_mut().enumerate() {
            let room = rows_max - rows;
            series.is_partial |= room < series.values.len();
            series.values.truncate(room);
            rows += series.values.len();
            if rows >= rows_max {
                found.series.truncate(index + 1);
                break;
            }
        }
        if rows < rows_max {
            left.push(Outcome::Found(found));
            continue;
        }
        // The server takes this mark away, but from a later part it has been copied by then.
        let is_first = left.last().is_none_or(|last| last.statement() != found.statement);
        found.is_partial &= !is_first;
        left.push(Outcome::Found(found));
        break;
    }
    left
}

/// Takes away the last row of the statements that are meant; where it is the only one of a series, the
/// series is gone.
pub(super) fn drop_last_row(outcomes: &mut [Outcome], is_meant: impl Fn(usize) -> bool) {
    for outcome in outcomes.iter_mut().rev() {
        if let Outcome::Found(Found { statement, series, .. }) = outcome
            && is_meant(*statement)
            && let Some(last) = series.last_mut()
        {
            last.values.pop();
            series.retain(|rows| !rows.values.is_empty());
            return;
        }
    }
}

/// The map of this number, with these elements.
pub(super) fn map(number: usize, outcomes: &[Outcome]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_map(&mut bytes, 1);
    push_text(&mut bytes, "results");
    push_array(&mut bytes, outcomes.len());
    for outcome in outcomes {
        match outcome {
            Outcome::Found(found) => push_found(&mut bytes, number, found),
            Outcome::Failed { message, .. } => {
                push_map(&mut bytes, 1);
                push_text(&mut bytes, "error");
                push_text(&mut bytes, message);
            }
        }
    }
    bytes
}

fn push_found(bytes: &mut Vec<u8>, number: usize, found: &Found) {
    let Found { statement, series, is_partial } = found;
    push_map(bytes, 2 + usize::from(*is_partial));
    push_text(bytes, "statement_id");
    push_integer(bytes, i64::try_from(*statement).expect("nobody sends that many"));
    push_text(bytes, "series");
    push_array(bytes, series.len());
    for (index, rows) in series.iter().enumerate() {
        push_rows(bytes, number + index, rows);
    }
    push_partial(bytes, *is_partial);
}

fn push_rows(bytes: &mut Vec<u8>, number: usize, rows: &Rows) {
    let Rows { name, tags, columns, values, is_partial } = rows;
    let extras = [!name.is_empty(), !tags.is_empty(), *is_partial];
    push_map(bytes, 2 + extras.into_iter().map(usize::from).sum::<usize>());
    if !name.is_empty() {
        push_text(bytes, "name");
        push_text(bytes, name);
    }
    if !tags.is_empty() {
        push_text(bytes, "tags");
        push_map(bytes, tags.len());
        // The server takes them from a map of Go, which begins anywhere, each time anew.
        let rotated = tags.iter().cycle().skip(number % tags.len()).take(tags.len());
        for (key, value) in rotated {
            push_text(bytes, key);
            push_text(bytes, value);
        }
    }
    push_text(bytes, "columns");
    push_array(bytes, columns.len());
    columns.iter().for_each(|column| push_text(bytes, column));
    push_text(bytes, "values");
    push_array(bytes, values.len());
    for row in values {
        push_array(bytes, row.len());
        row.iter().for_each(|value| push_value(bytes, value.as_ref()));
    }
    push_partial(bytes, *is_partial);
}

fn push_partial(bytes: &mut Vec<u8>, is_partial: bool) {
    if is_partial {
        push_text(bytes, "partial");
        push_boolean(bytes, true);
    }
}
