//! A side as it is compared: which tables it has, how many values they hold, and the values themselves.
//!
//! Both sides are asked the same three things, each in the language that it answers. Does not know what they
//! are compared for. A **table** is a measurement, whatever its retention policies.

mod changes;
mod counting;
mod digest;
mod listing;
mod looking;
mod rows;
mod sections;
mod survey;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::inquiry::Asker;
use super::road::{Database, Road, RoadFinder};
use super::schema::Measurement;
use crate::converter::{Part, Product, push_name};
use crate::error::{Endpoint, Error, Fault};
use crate::rules::{Rules, Type};
use crate::section::Section;
use crate::settings::{
    Destination, Format, Language, Place, Selection, Settings, Source, UnfitValues,
};
pub(crate) use changes::Changes;
pub(crate) use counting::{Column, Counts, halves, slice_around, slice_of};
pub(crate) use digest::{Digest, Held, hashes};
pub(crate) use looking::{Classes, Ends};
use survey::Survey;
pub(crate) use values::{BYTES_MAX, DAY, Key, VALUES_MAX, Values, each_value, is_same};

/// One of both sides of a migration.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) which: Endpoint,
    /// Of the destination those that would read it as a source.
    settings: Settings,
    way: Way,
    /// Nanoseconds: no question is about more, as refusals have shown.
    longest: Cell<u64>,
    /// What a file holds, once it is read.
    surveyed: RefCell<Option<Survey>>,
    /// Into which sections a measurement is cut, once that is known.
    sections: RefCell<BTreeMap<String, Vec<Section>>>,
}

/// How a side is asked.
#[derive(Clone, Debug)]
enum Way {
    /// InfluxDB 1.x and 2.x: typed.
    InfluxQl(Database),
    /// InfluxDB 2.x.
    Flux,
    /// InfluxDB 3 Core and Enterprise.
    Sql,
    /// InfluxDB 3 elsewhere: its InfluxQL.
    Iox,
    /// A file, which is read.
    File,
}

/// A measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// One for each retention policy. By Flux nobody knows the fields.
    pub(crate) parts: Vec<Measurement>,
    /// Where they are told.
    pub(crate) tags: Vec<String>,
    /// How many series it has, where that matters and is told.
    pub(crate) series: u64,
}

/// Whether less may be asked for instead. 2.9.1 ends what takes longer than it allows without a word
/// (observed), and what is cut every time may be too much as well.
pub(crate) fn asks_for_less(error: &Error) -> bool {
    matches!(error.fault, Fault::TooLarge | Fault::TimedOut | Fault::Truncated)
}

impl Side {
    /// Finds out how the source is asked.
    pub(crate) async fn source(asker: &Asker, settings: &Settings) -> Result<Self, Error> {
        Self::found(asker, settings).await
    }

    /// Finds out how the side is asked that these settings read.
    async fn found(asker: &Asker, settings: &Settings) -> Result<Self, Error> {
        let road = match RoadFinder::open(settings) {
            None => None,
            Some(finder) => Some(asker.ask(finder).await?),
        };
        Ok(Self::by_road(settings, road))
    }

    /// The side that these settings read, where it is known how that is asked; a file without a road.
    pub(crate) fn by_road(settings: &Settings, road: Option<Road>) -> Self {
        let way = match road {
            Some(Road::InfluxQl(database)) => Way::InfluxQl(database),
            Some(Road::Flux) => Way::Flux,
            None => Way::File,
        };
        Self::new(settings.clone(), way)
    }

    /// Finds out how the destination is asked.
    pub(crate) async fn destination(asker: &Asker, settings: &Settings) -> Result<Self, Error> {
        let (which, mirrored) = (Endpoint::Destination, settings.of_destination());
        let way = match (&settings.destination, settings.product) {
            (Destination::File(_), _) => Way::File,
            (_, Some(Product::Core | Product::Enterprise)) | (Destination::V3(_), None) => Way::Sql,
            (_, Some(Product::Serverless | Product::Dedicated | Product::Clustered)) => Way::Iox,
            (Destination::V2(place), None) => {
                let message = format!("it is not known what the destination `{}` is", place.bucket);
                let hint = "say `destination.product`";
                return Err(Error::new(Fault::Settings, message).at(which).with_hint(hint));
            }
            (
                Destination::V1(_) | Destination::V2(_) | Destination::V3(_),
                None | Some(Product::Cloud | Product::Oss),
            ) => return Self::found(asker, &mirrored).await,
        };
        Ok(Self::new(mirrored, way))
    }

    fn new(settings: Settings, way: Way) -> Self {
        Self {
            which: settings.reads,
            settings,
            way,
            longest: Cell::new(u64::MAX),
            surveyed: RefCell::default(),
            sections: RefCell::default(),
        }
    }

    /// What a table of it is called at the destination, as line protocol.
    pub(crate) fn key_of(&self, table: &str) -> String {
        match self.way {
            // As it is read.
            Way::File => table.to_owned(),
            Way::InfluxQl(_) | Way::Flux | Way::Sql | Way::Iox => {
                self.written(Part::Measurement, self.settings.rules.measurement(table))
            }
        }
    }

    /// What a field of a table becomes at the destination, where it has values of this type.
    pub(crate) fn field_of(&self, table: &str, field: &str, of: Type) -> String {
        match self.way {
            Way::File => field.to_owned(),
            Way::InfluxQl(_) | Way::Flux | Way::Sql | Way::Iox => {
                let (name, _) = self.settings.rules.field(table, field, of);
                self.written(Part::FieldKey, &name)
            }
        }
    }

    /// A name as line protocol, if that can say it.
    fn written(&self, part: Part, name: &str) -> String {
        let mut written = String::new();
        match push_name(&mut written, self.settings.dialect, part, name) {
            Ok(()) => written,
            Err(_) => name.to_owned(),
        }
    }

    /// Whether it tells but one type of each field in a slice.
    pub(crate) fn is_by_flux(&self) -> bool {
        matches!(self.way, Way::Flux)
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.way, Way::File)
    }

    pub(crate) fn place(&self) -> &Place {
        self.settings.source.place()
    }

    pub(crate) fn attempts_max(&self) -> u32 {
        self.settings.limits.attempts_max
    }

    /// How a server is asked; `None` for a file.
    pub(crate) fn road(&self) -> Option<Road> {
        match &self.way {
            Way::InfluxQl(database) => Some(Road::InfluxQl(database.clone())),
            Way::Flux => Some(Road::Flux),
            Way::Sql | Way::Iox | Way::File => None,
        }
    }

    /// What it is asked by, for people.
    pub(crate) fn language(&self) -> &'static str {
        match self.way {
            Way::InfluxQl(_) | Way::Iox => "InfluxQL",
            Way::Flux => "Flux",
            Way::Sql => "SQL",
            Way::File => "reading it",
        }
    }
}

impl Settings {
    /// Those that would read all of the destination as a source.
    fn of_destination(&self) -> Self {
        let source = match &self.destination {
            Destination::V1(place) => Source::V1(place.clone()),
            Destination::V2(place) | Destination::V3(place) => {
                Source::V2(place.clone(), Language::Auto)
            }
            Destination::File(place) => Source::File(place.clone(), Format::Lp),
        };
        Self {
            source,
            reads: Endpoint::Destination,
            selection: Selection::default(),
            // What is there is there under its own names; what cannot be said is nothing of ours.
            rules: Rules::default(),
            unfit: UnfitValues::SetAside,
            ..self.clone()
        }
    }
}
