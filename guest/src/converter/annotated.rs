//! Records of annotated CSV to the values of points.
//!
//! Does not know how a response was cut, nor how points are written. A table, as InfluxDB 2.9.1
//! answers `from |> range` (a block of annotations comes again whenever the columns change):
//!
//! ```csv
//! #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string
//! #group,false,false,true,true,false,false,true,true,true
//! #default,_result,,,,,,,,
//! ,result,table,_start,_stop,_time,_value,_field,_measurement,city
//! ,,0,2022-01-01T00:00:00Z,2022-01-02T00:00:00Z,2022-01-01T00:00:00Z,18.5,temp,air quality,Lima
//! ```

use std::borrow::Cow;

use super::blocks::Blocks;
use super::error::{ConversionError, ErrorKind, QUERY_ERROR_CHARACTERS_MAX, bounded, quoted};
use super::header::{Annotations, Column, FieldColumn, OWN_COLUMNS, Schema, Values, tags};
use super::lines;
use super::manner::{LineBreaks, Manner};
use super::points::{self, Points};
use super::quotes;
use super::records::{Record, Records};
use super::repeat::Repeat;
use super::ruled;
use super::value::DataType;
use crate::rules::Change;
use crate::time::{Clock, Timestamp};

/// Reads tables, record by record.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    state: State,
    blocks: Blocks,
    /// The last row, as an example.
    repeat: Repeat,
    /// Whether annotations have quotes without need: then it was not Flux that wrote them.
    is_requoted: bool,
    clock: Clock,
}

#[derive(Debug)]
enum State {
    /// Before a table: annotations, and then a header.
    Header(Annotations),
    /// Inside a table: each record is a row, as the last block says.
    Rows,
    /// The header says that the next row is an error.
    Failed,
}

impl Default for State {
    fn default() -> Self {
        Self::Header(Annotations::default())
    }
}

impl Tables {
    /// Takes the next record, and the bytes that it was made of.
    pub(crate) fn push(
        &mut self,
        record: Record<'_>,
        bytes: &[u8],
        points: &mut Points,
    ) -> Result<(), ConversionError> {
        self.repeat.forget();
        let pushed = match (record.field(0).strip_prefix('#'), &self.state) {
            (Some(name), _) => self.annotate(name, record, bytes),
            (None, State::Header(_)) => self.begin(record, bytes, points),
            (None, State::Rows) => return self.push_row(record, bytes, points),
            (None, State::Failed) => return Err(failed_query(record)),
        };
        pushed.map_err(|kind| record.error(kind))
    }

    fn push_row(
        &mut self,
        record: Record<'_>,
        bytes: &[u8],
        points: &mut Points,
    ) -> Result<(), ConversionError> {
        let Some(schema) = self.blocks.schema() else { unreachable!("its header was read") };
        let needless = match self.is_requoted || record.is_plain() {
            true => Vec::new(),
            false => quotes::needless(bytes).collect(),
        };
        match row(schema, record, &needless, &mut self.clock, points) {
            Ok(()) => {
                if let Some(place) = schema.place_of_pair() {
                    match record.around_pair(place) {
                        Some((head, tail)) => self.repeat.learn(head.as_bytes(), tail.as_bytes()),
                        None => self.repeat.learn_quoted(bytes, place),
                    }
                }
                Ok(())
            }
            Err(kind) if points.sets_aside(&kind) => {
                let (values, text) = (schema.count_values(record), schema.draft(record, points));
                points.set_aside(record.error(kind), values, text);
                Ok(())
            }
            Err(kind) => points.note(record.error(kind)),
        }
    }

    /// Takes the records that are like some before: a block of annotations with its header, and
    /// rows that are like the last one but for time and value. Whether there were any.
    pub(crate) fn push_repeated(
        &mut self,
        bytes: &mut &[u8],
        records: &mut Records,
        points: &mut Points,
    ) -> Result<bool, ConversionError> {
        let before = bytes.len();
        let may_begin = matches!(self.state, State::Rows) && bytes.starts_with(b"#");
        if may_begin && let Some((length, lines)) = self.blocks.find(bytes) {
            self.repeat.forget();
            records.pass_lines(lines);
            *bytes = &bytes[length..];
            return Ok(true);
        }
        let (State::Rows, Some(schema)) = (&self.state, self.blocks.schema()) else {
            return Ok(false);
        };
        let Values::One { value: column, .. } = &schema.values else { return Ok(false) };
        let clock = &mut self.clock;
        while let Some((time, value, length)) = self.repeat.read(bytes, column.data_type, clock) {
            points
                .push(time, &value)
                .map_err(|unfit| records.error(unfit.of(&column.name, &value.shown())))?;
            records.pass_lines(1);
            *bytes = &bytes[length..];
        }
        Ok(bytes.len() < before)
    }

    /// Whether the response may end here: annotations and headers promise more.
    pub(crate) fn may_end(&self) -> bool {
        match &self.state {
            State::Header(annotations) => annotations.is_empty(),
            State::Rows => true,
            State::Failed => false,
        }
    }

    /// Whether the next record is a row, unless it is an annotation.
    pub(crate) fn is_in_rows(&self) -> bool {
        matches!(self.state, State::Rows)
    }

    fn annotate(&mut self, name: &str, record: Record<'_>, bytes: &[u8]) -> Result<(), ErrorKind> {
        if !matches!(self.state, State::Header(_)) {
            self.state = State::default();
        }
        let State::Header(annotations) = &mut self.state else { unreachable!("set above") };
        // No `\r` can have been lost from these: needless quotes are those of another program.
        if matches!(name, "datatype" | "group") {
            self.is_requoted |= quotes::needless(bytes).next().is_some();
        }
        if annotations.is_empty() {
            self.blocks.begin();
        }
        self.blocks.push_line(bytes);
        annotations.push(name, record)
    }

    /// Takes the header of a table.
    fn begin(
        &mut self,
        record: Record<'_>,
        bytes: &[u8],
        points: &Points,
    ) -> Result<(), ErrorKind> {
        let State::Header(annotations) = &self.state else { unreachable!("a header is due") };
        annotations.check(record)?;
        if record.fields().eq(["", "error", "reference"]) {
            self.state = State::Failed;
            return Ok(());
        }
        let schema = Schema::read(annotations, record, points.manner.dialect)?;
        let lost = quotes::needless(bytes).find(|place| *place >= OWN_COLUMNS);
        if let (Some(place), false) = (lost, self.is_requoted) {
            let name = quoted(record.field(place));
            return Err(ErrorKind::LostReturn { column: name.clone(), found: name });
        }
        self.blocks.push_line(bytes);
        self.blocks.add(schema);
        self.state = State::Rows;
        Ok(())
    }
}

/// The error of a query that failed, which is the one row of its table.
pub(super) fn failed_query(record: Record<'_>) -> ConversionError {
    let text = |place| bounded(record.field(place), QUERY_ERROR_CHARACTERS_MAX);
    record.error(ErrorKind::Query { message: text(1), reference: text(2) })
}

/// Takes a row: one value of one field of one point, or the values of all its fields.
fn row(
    schema: &mut Schema,
    record: Record<'_>,
    needless: &[usize],
    clock: &mut Clock,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    let (expected, found) = (schema.count, record.len());
    if expected != found {
        return Err(ErrorKind::Columns { expected, found });
    }
    if !schema.goes_on(record) {
        schema.fault = begin_table(schema, record, points).err();
        schema.remember(record);
    }
    let text = schema.time.of(record);
    let time = clock.parse(text).map_err(|_| schema.time.unfit("a time", text))?;
    // What is left out need not arrive.
    if points.leaves_out(time) {
        points.counts.outside += schema.count_values(record);
        return Ok(());
    }
    points::check_time(time)?;
    schema.check_once(record, time)?;
    if let Some(fault) = &schema.fault {
        return Err(fault.clone());
    }
    for place in needless {
        check_lost(schema, *place, record, points)?;
    }
    match &schema.values {
        Values::One { value, change, .. } => {
            push_cell(value, value.of(record), time, *change, points)
        }
        Values::Pivoted(fields) => push_fields(schema, fields, record, time, points),
    }
}

/// Whether Flux has lost something of the cell at this place, as its quotes show; that of a value may
/// be accepted, and is counted.
fn check_lost(
    schema: &Schema,
    place: usize,
    record: Record<'_>,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    let Some(column) = schema.text_column(place) else { return Ok(()) };
    if schema.is_value(place) && points.manner.line_breaks == LineBreaks::Accept {
        points.counts.altered += 1;
        return Ok(());
    }
    Err(ErrorKind::LostReturn { column: quoted(column), found: quoted(record.field(place)) })
}

/// Takes the values of a row of a pivoted table.
fn push_fields(
    schema: &Schema,
    fields: &[FieldColumn],
    record: Record<'_>,
    time: Timestamp,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    for FieldColumn { column, key, change } in fields {
        let text = match (column.of(record), column.data_type) {
            ("", DataType::String) => {
                return Err(ErrorKind::NullOrEmpty { column: quoted(&column.name) });
            }
            // A point need not have all fields: then the cell is empty.
            ("", _) => continue,
            (text, _) => text,
        };
        let pushed = match key {
            Ok(key) => {
                points.merge.begin_field(key);
                push_cell(column, text, time, *change, points)
            }
            Err(unsayable) => Err(unsayable.clone().of(points.merge.present().0)),
        };
        match pushed {
            Ok(()) => {}
            // The other fields of the point arrive.
            Err(kind) if points.sets_aside(&kind) => {
                let draft = schema.draft_of(record, points, [(&*column.name, column)]);
                points.set_aside(record.error(kind), 1, draft);
            }
            Err(kind) => return Err(kind),
        }
    }
    Ok(())
}

/// Takes a value.
fn push_cell(
    column: &Column,
    text: &str,
    time: Timestamp,
    change: Change,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    let is_altered = column.data_type == DataType::String && text.contains('\n');
    if is_altered && points.manner.line_breaks == LineBreaks::Refuse {
        let (series, field) = points.merge.present();
        return Err(ErrorKind::LineBreak { field: quoted(&field), series: quoted(series) });
    }
    let value = column.data_type.value(text);
    let pushed = value.and_then(|value| points.push_changed(time, &value, change));
    pushed.map_err(|unfit| {
        let (series, field) = points.merge.present();
        unfit.of(&column.name, text).of_field(&field, series)
    })?;
    points.counts.altered += u64::from(is_altered);
    Ok(())
}

/// The rows from here on are of another series or field.
fn begin_table(
    schema: &mut Schema,
    record: Record<'_>,
    points: &mut Points,
) -> Result<(), ErrorKind> {
    points.counts.tables += 1;
    let mut text = std::mem::take(&mut schema.text);
    let (merge, Manner { dialect, rules, .. }) = (&mut points.merge, &points.manner);
    let mut tags = tags(&schema.tags, record);
    let source = named(&schema.measurement, record)?;
    let mut measurement = source;
    if !rules.is_empty() {
        let (name, fault) = ruled::series(rules, source, &mut tags);
        fault.map_or(Ok(()), Err)?;
        measurement = name;
    }
    text.clear();
    lines::push_series(&mut text, *dialect, measurement, &tags)?;
    merge.begin_series(&text);
    match &mut schema.values {
        Values::One { value, field, change } => {
            let mut key = Cow::from(named(field, record)?);
            if !rules.is_empty() {
                let of = value.data_type.of_field();
                let target = ruled::field(rules, source, named(field, record)?, of)?;
                (key, *change) = (target.field, target.change);
            }
            text.clear();
            let pushed = lines::push_field_key(&mut text, *dialect, &tags, &key);
            pushed.map_err(|error| error.of(merge.present().0))?;
            merge.begin_field(&text);
        }
        // What a field is called depends on the measurement.
        Values::Pivoted(fields) if !rules.is_empty() => {
            for field in fields {
                field.name(*dialect, rules, source, &tags);
            }
        }
        Values::Pivoted(_) => {}
    }
    schema.text = text;
    Ok(())
}

/// A name, which must be there.
fn named<'a>(column: &'a Column, record: Record<'a>) -> Result<&'a str, ErrorKind> {
    match column.of(record) {
        "" => Err(ErrorKind::Empty { column: quoted(&column.name) }),
        name => Ok(name),
    }
}
