//! Which fields of the destination hold the values of which fields of the source.
//!
//! Mostly one holds those of one, but a field with several types may become several, and several one. A
//! **group** is the least of both that can be compared by counting. Does not know values.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::schema::Class;
use crate::plan::side::{Column, Counts, Side, Table};
use crate::rules::Type;
use crate::time::Timestamp;

/// Values by the beginning of their slice.
pub(super) type Slices = BTreeMap<Timestamp, u64>;

/// Fields of both sides that hold the same values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// Of the destination, as line protocol.
    pub(super) fields: BTreeSet<String>,
    pub(super) source: Slices,
    pub(super) destination: Slices,
}

impl Group {
    /// What it is called in reports.
    pub(super) fn name(&self) -> String {
        self.fields.iter().cloned().collect::<Vec<_>>().join(", ")
    }

    /// How many values both sides have in all.
    pub(super) fn sums(groups: &[Self]) -> [u64; 2] {
        let add = |sum: u64, count: &u64| sum.saturating_add(*count);
        groups.iter().fold([0, 0], |[source, destination], group| {
            [
                group.source.values().fold(source, add),
                group.destination.values().fold(destination, add),
            ]
        })
    }

    /// Whether one side alone has values in some slice.
    pub(super) fn is_one_sided(&self) -> bool {
        !self.source.keys().eq(self.destination.keys())
    }

    /// The slices that one of both sides has values in.
    pub(super) fn slices(&self) -> BTreeSet<Timestamp> {
        self.source.keys().chain(self.destination.keys()).copied().collect()
    }
}

/// Groups what was counted.
pub(super) fn groups(
    source: &Side,
    of_source: &[(&Table, Counts)],
    destination: &Side,
    of_destination: Option<(&Table, &Counts)>,
) -> Vec<Group> {
    let mut groups = Vec::new();
    for (table, counts) in of_source {
        for column in table.columns() {
            let fields = fields_of(source, table, &column);
            let group = Group {
                fields,
                source: counts.0.get(&column).cloned().unwrap_or_default(),
                destination: Slices::new(),
            };
            merge(&mut groups, group);
        }
        // By Flux, and of a file, fields are known only by their values.
        for (column, slices) in counts.0.iter().filter(|_| table.columns().is_empty()) {
            let fields = fields_of(source, table, column);
            let source = slices.clone();
            let group = Group { fields, source, destination: Slices::new() };
            merge(&mut groups, group);
        }
    }
    let found = of_destination.into_iter().flat_map(|(table, counts)| {
        counts.0.iter().map(move |(column, slices)| (table, column, slices))
    });
    for (table, column, slices) in found {
        let fields = fields_of(destination, table, column);
        let (source, destination) = (Slices::new(), slices.clone());
        merge(&mut groups, Group { fields, source, destination });
    }
    groups
}

/// The fields that a column becomes, as line protocol.
fn fields_of(side: &Side, table: &Table, column: &Column) -> BTreeSet<String> {
    let fields = table.parts.iter().flat_map(|part| &part.fields);
    let types: Vec<_> = fields
        .filter(|field| field.name == column.field)
        .flat_map(|field| field.types.iter().copied())
        .filter(|of| column.class.is_none_or(|class| class.has(*of)))
        .collect();
    // Nobody knows: it may be any of its class.
    let is_of_class = |of: &Type| column.class.is_none_or(|class| class.has(*of));
    let any = || Type::ALL.into_iter().filter(is_of_class).collect();
    let types = if types.is_empty() { any() } else { types };
    let field = |of: Type| side.field_of(&table.name, &column.field, of);
    types.into_iter().map(field).collect()
}

/// Adds a group to those with which it shares a field, and makes one of them.
fn merge(groups: &mut Vec<Group>, mut group: Group) {
    let (apart, together): (Vec<_>, Vec<_>) = std::mem::take(groups)
        .into_iter()
        .partition(|other: &Group| other.fields.is_disjoint(&group.fields));
    *groups = apart;
    for other in together {
        group.fields.extend(other.fields);
        add(&mut group.source, other.source);
        add(&mut group.destination, other.destination);
    }
    groups.push(group);
}

fn add(slices: &mut Slices, others: Slices) {
    for (slice, count) in others {
        let sum = slices.entry(slice).or_default();
        *sum = sum.saturating_add(count);
    }
}

impl Class {
    /// Whether values of this type are of it.
    fn has(self, of: Type) -> bool {
        match self {
            Self::Numbers => of.is_number(),
            Self::Strings => of == Type::String,
            Self::Booleans => of == Type::Boolean,
        }
    }
}
