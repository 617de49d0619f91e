//! Which bucket or file is meant, and that no two of a migration are the same one.

use super::table::fault;
use super::{Checkpoint, Destination, Source};
use crate::error::Error;

/// What tells a bucket or a file from others. What does not apply is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) org: String,
    /// A bucket or database, or the path of a file.
    pub(crate) bucket: String,
}

impl Place {
    /// Whether one of both is a database of 1.x, and the other a retention policy in it.
    fn is_database_around(&self, other: &Self) -> bool {
        let holds = |one: &Self, two: &Self| {
            two.bucket.split_once('/').is_some_and(|(database, _)| database == one.bucket)
        };
        holds(self, other) || holds(other, self)
    }

    /// Whether both may be the same bucket: an organization may be left out where it goes without
    /// saying.
    fn may_be(&self, other: &Self) -> bool {
        let Self { url, org, bucket } = self;
        *url == other.url
            && *bucket == other.bucket
            && (*org == other.org || org.is_empty() || other.org.is_empty())
    }
}

/// Reading and writing one bucket would mix what is migrated with what is there. Files are compared
/// by the host, which knows where they are.
pub(super) fn check_apart(
    source: &Source,
    destination: &Destination,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    let mut places = vec![("source", source.place()), ("destination", destination.place())];
    if let Checkpoint::Bucket(place) = checkpoint {
        places.push(("checkpoint", place));
    }
    if let (Source::V1(one), Destination::V1(two)) = (source, destination)
        && one.url == two.url
        && one.is_database_around(two)
    {
        return Err(fault(
            "`source.bucket` and `destination.bucket` are the same bucket".to_owned(),
        ));
    }
    places.retain(|(_, place)| !place.url.is_empty());
    for (at, (name, place)) in places.iter().enumerate() {
        if let Some((other, _)) = places[at + 1..].iter().find(|(_, other)| other.may_be(place)) {
            return Err(fault(format!("`{name}.bucket` and `{other}.bucket` are the same bucket")));
        }
    }
    Ok(())
}
