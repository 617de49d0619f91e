//! Rows of annotated CSV that cannot be written, for people.
//!
//! Does not know why they cannot be.

use super::header::{Column, FieldColumn, Schema, Values, tags};
use super::points::Points;
use super::records::Record;
use super::{draft, ruled};
use crate::time::Timestamp;

impl Schema {
    /// A row of which nothing can be written, for people.
    pub(super) fn draft(&self, row: Record<'_>, points: &Points) -> String {
        match &self.values {
            Values::One { value, field, .. } => {
                self.draft_of(row, points, [(field.of(row), value)])
            }
            Values::Pivoted(fields) => {
                let there = fields.iter().filter(|field| !field.column.of(row).is_empty());
                let named = there.map(|FieldColumn { column, .. }| (&*column.name, column));
                self.draft_of(row, points, named)
            }
        }
    }

    /// The values of these fields in a row, for people: under the names that they were to get.
    pub(super) fn draft_of<'a>(
        &self,
        row: Record<'_>,
        points: &Points,
        fields: impl IntoIterator<Item = (&'a str, &'a Column)>,
    ) -> String {
        let (rules, source) = (&points.manner.rules, self.measurement.of(row));
        let mut tags = tags(&self.tags, row);
        let (measurement, _) = ruled::series(rules, source, &mut tags);
        let field = |(key, column): (&str, &Column)| {
            let target = ruled::field(rules, source, key, column.data_type.of_field());
            let key = target.map_or_else(|_| key.to_owned(), |target| target.field.into_owned());
            let text = column.of(row);
            let value = column.data_type.value(text);
            let value = value.map_or_else(|_| text.to_owned(), |value| draft::value(&value));
            format!("{}={value}", draft::name(&key))
        };
        let fields: Vec<_> = fields.into_iter().map(field).collect();
        let time = self.time.of(row);
        let time = Timestamp::parse(time).map_or_else(|_| time.to_owned(), |at| at.0.to_string());
        draft::point(&draft::series(measurement, &tags), &fields.join(","), &time)
    }
}
