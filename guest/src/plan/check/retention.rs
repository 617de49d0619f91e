//! For how long both sides keep points, and what of the migration that leaves out.
//!
//! What a side does not tell is said to be unknown. Does not know why points are old.

use serde_json::json;

use super::finding::{Finding, Weight};
use crate::converter::tables;
use crate::error::{Endpoint, Error, Fault};
use crate::plan::inquiry::Asker;
use crate::protocol::{influxql, mapping};
use crate::settings::{Destination, Place, Settings, Source};
use crate::time::{TimeRange, Timestamp};

const SECOND: u64 = 1_000_000_000;

/// What a side keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    Seconds(u64),
    ForEver,
}

/// What both sides keep, against a migration that goes on for so many seconds.
pub(super) async fn findings(
    asker: &Asker,
    settings: &Settings,
    range: TimeRange,
    first: Option<Timestamp>,
    seconds: Option<f64>,
) -> Vec<Finding> {
    let end = asker.now().saturating_add(nanoseconds(seconds.unwrap_or(0.0)));
    let start = first.map_or(range.start(), |first| first.max(range.start()));
    let mut found = Vec::new();
    let (place, is_1) = match &settings.source {
        Source::V1(place) => (Some(place), true),
        Source::V2(place, _) => (Some(place), false),
        Source::File(..) => (None, false),
    };
    if let Some(place) = place {
        let keeps = keeps(asker, settings, Endpoint::Source, place, is_1).await;
        found.push(of_source(keeps, asker.now(), end, start));
    }
    let (place, is_1) = match &settings.destination {
        Destination::V1(place) => (place, true),
        Destination::V2(place) => (place, false),
        Destination::V3(_) => {
            let message = "how long the destination keeps points is not told by its API".to_owned();
            let hint = "compare the retention of the database with the first point";
            found.push(Finding::info("retention", message).with_hint(hint));
            return found;
        }
        Destination::File(_) => return found,
    };
    let keeps = keeps(asker, settings, Endpoint::Destination, place, is_1).await;
    found.push(of_destination(settings, keeps, end, start));
    found
}

fn of_source(
    keeps: Result<Keeps, Error>,
    now: Timestamp,
    end: Timestamp,
    start: Timestamp,
) -> Finding {
    let seconds = match keeps {
        Ok(Keeps::ForEver) => {
            return Finding::info("retention", "the source keeps points for ever".to_owned());
        }
        Ok(Keeps::Seconds(seconds)) => seconds,
        Err(error) => return unknown(Endpoint::Source, &error),
    };
    let days = days(seconds);
    let kept = seconds.saturating_mul(SECOND);
    let data = json!({ "side": "source", "retention_seconds": seconds });
    let expired = end.saturating_sub(kept);
    let message = format!("the source keeps points for {days}");
    if expired <= start {
        return Finding::info("retention", message).with(data);
    }
    let message = format!(
        "{message}: those before {} expire while it goes on, unless they are moved first",
        expired.max(now.saturating_sub(kept)).whole_second()
    );
    let hint = "batches go from the first point on; make the retention longer to be sure";
    Finding::warning("retention", message).with_hint(hint).with(data)
}

fn of_destination(
    settings: &Settings,
    keeps: Result<Keeps, Error>,
    end: Timestamp,
    start: Timestamp,
) -> Finding {
    let seconds = match keeps {
        Ok(Keeps::ForEver) => {
            return Finding::info("retention", "the destination keeps points for ever".to_owned());
        }
        Ok(Keeps::Seconds(seconds)) => seconds,
        Err(error) => return unknown(Endpoint::Destination, &error),
    };
    let oldest = end.saturating_sub(seconds.saturating_mul(SECOND));
    let data = json!({ "side": "destination", "retention_seconds": seconds });
    let message = format!("the destination keeps points for {}", days(seconds));
    if oldest <= start {
        return Finding::info("retention", message).with(data);
    }
    let weight = if settings.rejected_max > 0 { Weight::Warning } else { Weight::Stop };
    let message = format!(
        "{message}: at the end of the migration it takes none before {}, and there are some from {start} on",
        oldest.whole_second()
    );
    let hint = "make the retention of the bucket longer; or begin later: `migration.start`";
    Finding::new(weight, "retention", message).with_hint(hint).with(data)
}

fn unknown(side: Endpoint, error: &Error) -> Finding {
    let message = format!("how long the {} keeps points is not known: {error}", side.name());
    Finding::info("retention", message)
}

async fn keeps(
    asker: &Asker,
    settings: &Settings,
    side: Endpoint,
    place: &Place,
    is_1: bool,
) -> Result<Keeps, Error> {
    let attempts_max = settings.limits.attempts_max;
    if !is_1 {
        let body = asker.body(mapping::bucket(place).at(side), attempts_max).await?;
        let bucket = mapping::found_bucket(place, &body)?;
        let bucket = bucket.ok_or_else(|| unlisted("bucket", &place.bucket))?;
        return Ok(bucket.retention_seconds().map_or(Keeps::ForEver, Keeps::Seconds));
    }
    let (database, policy) = match place.bucket.split_once('/') {
        Some((database, policy)) => (database, Some(policy)),
        None => (place.bucket.as_str(), None),
    };
    let statements = [influxql::retention_policies(database)];
    let call = influxql::call(database, &statements, &place.bucket).at(side);
    let body = asker.body(call, attempts_max).await?;
    let mut all = Vec::new();
    for table in tables(&body, 1)? {
        for [name, duration] in table.texts(["name", "duration"])? {
            if policy.is_none_or(|policy| policy == name) {
                let unfit = || {
                    let message = format!("expected a duration, found `{duration}`");
                    Error::new(Fault::Malformed, message)
                };
                all.push(go_seconds(duration).ok_or_else(unfit)?);
            }
        }
    }
    if side == Endpoint::Destination && all.len() > 1 {
        let message = format!("it has several retention policies; name one: `{database}/NAME`");
        return Err(Error::new(Fault::Settings, message));
    }
    if all.is_empty() {
        return Err(unlisted("retention policy", &place.bucket));
    }
    // 0 is for ever.
    let shortest = all.into_iter().filter(|seconds| *seconds > 0).min();
    Ok(shortest.map_or(Keeps::ForEver, Keeps::Seconds))
}

fn unlisted(what: &str, name: &str) -> Error {
    Error::new(Fault::Missing, format!("no {what} of `{name}` is listed"))
}

/// A duration as Go writes it: `168h0m0s`.
fn go_seconds(text: &str) -> Option<u64> {
    let (mut seconds, mut number) = (0_u64, String::new());
    for character in text.chars() {
        if character.is_ascii_digit() {
            number.push(character);
            continue;
        }
        let unit = match character {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    number.is_empty().then_some(seconds)
}

fn days(seconds: u64) -> String {
    match seconds % 86_400 {
        0 => crate::plan::counted(seconds / 86_400, "day", "days"),
        _ => format!("{} h", seconds / 3600),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float out of range is cut by `as`"
)]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::go_seconds;

    #[test]
    fn durations_of_go_are_read() {
        assert_eq!(go_seconds("168h0m0s"), Some(604_800));
        assert_eq!(go_seconds("1h30m5s"), Some(5405));
        assert_eq!(go_seconds("0s"), Some(0));
        assert_eq!(go_seconds("1d"), None);
        assert_eq!(go_seconds("5"), None);
    }
}
