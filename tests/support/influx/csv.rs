//! Annotated CSV as InfluxDB OSS 2.9.1 writes it, to the byte.
//!
//! A block of annotations for each change of the schema, not for each table:
//!
//! ```text
//! #datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string
//! #group,false,false,true,true,false,false,true,true
//! #default,_result,,,,,,,
//! ,result,table,_start,_stop,_time,_value,_field,_measurement
//! ,,0,2022-01-01T00:00:00Z,2022-01-02T00:00:00Z,2022-01-01T00:00:09Z,3,f,m
//! ```

use std::iter;

use chrono::{DateTime, SecondsFormat};

use super::points::{Type, Value};

/// How a client wants its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Dialect {
    /// Annotations in their order; none if the request has no dialect.
    pub(super) annotations: Vec<Annotation>,
    pub(super) header: bool,
}

/// A line that describes columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Annotation {
    Datatype,
    Group,
    Default,
}

/// A column of a table, after `result` and `table`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) label: String,
    pub(super) datatype: &'static str,
    /// Whether it is of the group key.
    pub(super) group: bool,
}

/// The text of a response in the making.
#[derive(Debug)]
pub(super) struct Writer {
    dialect: Dialect,
    /// The name of what is written.
    result: String,
    text: String,
    /// The columns of the last table.
    columns: Option<Vec<Column>>,
    tables: usize,
    /// Where the first table ends, once there is a second one.
    first_end: Option<usize>,
    /// Where the last row begins.
    last_row: Option<usize>,
}

impl Writer {
    pub(super) fn new(dialect: Dialect, result: &str) -> Self {
        let result = result.to_owned();
        Self {
            dialect,
            result,
            text: String::new(),
            columns: None,
            tables: 0,
            first_end: None,
            last_row: None,
        }
    }

    /// Begins a table; a new block if the last table had other columns.
    pub(super) fn table(&mut self, columns: Vec<Column>) {
        if self.tables == 1 {
            self.first_end = Some(self.text.len());
        }
        self.tables += 1;
        if self.columns.as_ref() == Some(&columns) {
            return;
        }
        if self.columns.is_some() {
            self.text.push_str("\r\n");
        }
        for annotation in self.dialect.annotations.clone() {
            self.annotate(annotation, &columns);
        }
        if self.dialect.header {
            let labels = columns.iter().map(|column| column.label.as_str());
            self.record(["", "result", "table"], labels);
        }
        self.columns = Some(columns);
    }

    fn annotate(&mut self, annotation: Annotation, columns: &[Column]) {
        match annotation {
            Annotation::Datatype => {
                let datatypes = columns.iter().map(|column| column.datatype);
                self.record(["#datatype", "string", "long"], datatypes);
            }
            Annotation::Group => {
                let groups =
                    columns.iter().map(|column| if column.group { "true" } else { "false" });
                self.record(["#group", "false", "false"], groups);
            }
            Annotation::Default => {
                let nothing = columns.iter().map(|_| "");
                self.record(["#default", &self.result.clone(), ""], nothing);
            }
        }
    }

    /// Adds a row to the table that was begun last.
    pub(super) fn row<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        let table = (self.tables - 1).to_string();
        self.last_row = Some(self.text.len());
        // Without the annotation each row says its result.
        let has_default = self.dialect.annotations.contains(&Annotation::Default);
        let result = if has_default { "" } else { &self.result.clone() };
        self.record(["", result, &table], cells);
    }

    fn record<'a>(&mut self, first: [&str; 3], others: impl Iterator<Item = &'a str>) {
        for (index, cell) in first.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push_cell(&mut self.text, cell);
        }
        for cell in others {
            self.text.push(',');
            push_cell(&mut self.text, cell);
        }
        self.text.push_str("\r\n");
    }

    /// Ends a response that went well.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("\r\n");
        self.text
    }

    /// Ends a response as if it were whole, but its last row is missing.
    pub(super) fn finish_without_last_row(mut self) -> String {
        self.text.truncate(self.last_row.unwrap_or(self.text.len()));
        self.finish()
    }

    /// Ends a response whose query fails after the first table: the error comes as a table too,
    /// under a status that was sent long ago.
    pub(super) fn fail(mut self, message: &str) -> String {
        self.text.truncate(self.first_end.unwrap_or(self.text.len()));
        if self.tables > 0 {
            self.text.push_str("\r\n");
        }
        for annotation in self.dialect.annotations.clone() {
            let cells = match annotation {
                Annotation::Datatype => ["#datatype", "string", "string"],
                Annotation::Group => ["#group", "true", "true"],
                Annotation::Default => ["#default", "", ""],
            };
            self.record(cells, iter::empty());
        }
        self.record(["", "error", "reference"], iter::empty());
        self.record(["", message, ""], iter::empty());
        self.text
    }
}

/// Writes a cell as Go's `encoding/csv` does with `UseCRLF`: a lone `\r` is lost, and each line
/// feed becomes `\r\n`.
fn push_cell(text: &mut String, cell: &str) {
    let needs_quotes = cell.contains(['\r', '\n', '"', ','])
        || cell.starts_with(char::is_whitespace)
        || cell == r"\.";
    if !needs_quotes {
        text.push_str(cell);
        return;
    }
    text.push('"');
    for character in cell.chars() {
        match character {
            '"' => text.push_str("\"\""),
            '\r' => {}
            '\n' => text.push_str("\r\n"),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// The name of a type in the annotation `#datatype`.
pub(super) fn datatype(value_type: Type) -> &'static str {
    match value_type {
        Type::Float => "double",
        Type::Integer => "long",
        Type::Unsigned => "unsignedLong",
        Type::Boolean => "boolean",
        Type::String => "string",
    }
}

/// The text of a value.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        // All digits, never an exponent: Rust's own form is that of Go's 'f'.
        Value::Float(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::String(value) => value.clone(),
    }
}

/// Go's `time.RFC3339Nano`: as many digits of a second as are needed.
pub(super) fn time_text(nanoseconds: i64) -> String {
    let time = DateTime::from_timestamp_nanos(nanoseconds);
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let digits = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
    format!("{digits}Z")
}
