//! The points that are converted, series by series, for no benchmark needs to hold them all.
//!
//! They have the shape of those in `tests/recorded/one_minute.points.lp`. Does not know any format.

use crate::random::Random;

/// 2022-01-01T00:00:00Z, in nanoseconds since 1970 as all times here.
pub(crate) const START: i64 = 1_640_995_200 * SECOND;
pub(crate) const SECOND: i64 = 1_000_000_000;
/// The measurement whose field is unsigned, which MessagePack does not tell.
pub(crate) const AIR_QUALITY: &str = "air quality";
/// That field.
pub(crate) const HUMIDITY: &str = "hum";
/// More than there are seeds of the series of a stretch, or of `meters`.
const SEEDS: u64 = 10_000_000;
/// A float below this is written in decimals by some and with an exponent by others: the value is
/// the same, but lines are compared as they are.
const FLOAT_MIN: f64 = 0.0001;
/// Groups of `meters`.
const DISTRICTS: u32 = 10;

/// The points of one measurement and set of tags, each of which has all the fields.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) measurement: &'static str,
    /// Sorted by key.
    pub(crate) tags: Vec<(&'static str, String)>,
    pub(crate) times: Vec<i64>,
    /// Sorted by key.
    pub(crate) fields: Vec<Field>,
}

/// The values of a field, one for each time of its series, all of one type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) key: &'static str,
    pub(crate) values: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    String(String),
}

/// A stretch of time: the first begins at `START`, each of the others where one ends that is as
/// long. Values differ from one to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) nth: u32,
    /// How long it is: whole minutes.
    pub(crate) seconds: i64,
}

impl Stretch {
    /// Its first time.
    pub(crate) fn start(self) -> i64 {
        START + i64::from(self.nth) * self.seconds * SECOND
    }

    /// The first time after it.
    pub(crate) fn stop(self) -> i64 {
        self.start() + self.seconds * SECOND
    }

    /// Before those of its series, and beyond those of the stretch before.
    fn seed(self) -> u64 {
        u64::from(self.nth) * SEEDS
    }
}

impl Series {
    /// How many values it has.
    pub(crate) fn values(&self) -> usize {
        self.times.len() * self.fields.len()
    }

    /// The same with integers in place of unsigned ones, which a server may not have.
    pub(crate) fn without_unsigned(mut self) -> Self {
        for value in self.fields.iter_mut().flat_map(|field| &mut field.values) {
            if let Value::Unsigned(number) = value {
                *value = Value::Integer(i64::try_from(*number).expect("those here are small"));
            }
        }
        self
    }
}

/// So many seconds of two measurements: 20 hosts every ten seconds, 5 sensors every minute. A day
/// is 885 600 values of five types.
pub(crate) fn machines_and_air(seconds: i64) -> impl Iterator<Item = Series> {
    machines_and_air_of(Stretch { nth: 0, seconds })
}

/// The same series, of any of the stretches of time that follow one another.
pub(crate) fn machines_and_air_of(stretch: Stretch) -> impl Iterator<Item = Series> {
    let sensors = (0..5).map(move |sensor| air_quality(sensor, stretch));
    sensors.chain((0..20).map(move |host| cpu(host, stretch)))
}

/// Hosts with so many points each, every ten seconds, without end.
pub(crate) fn machines(points: i64) -> impl Iterator<Item = Series> {
    (0..).map(move |host| cpu(host, Stretch { nth: 0, seconds: points * 10 }))
}

/// So many series of three points and two fields of different types.
pub(crate) fn meters(count: u32) -> impl Iterator<Item = Series> {
    (0..count).map(move |meter| {
        // The order of their keys, as servers answer: the district comes first.
        let district = u64::from(meter) * u64::from(DISTRICTS) / u64::from(count);
        let mut random = Random::new(1_000_000 + u64::from(meter));
        let state = |random: &mut Random| Value::Integer(random.below(5).into());
        let volume = |random: &mut Random| rounded(random, 100_000_000, 1_000);
        Series {
            measurement: "water meter",
            tags: vec![
                ("district", format!("district {district}")),
                ("meter id", format!("m{meter:07}")),
            ],
            times: times(START, 3600 * SECOND, 3),
            fields: vec![
                field("state", 3, &mut random, state),
                field("volume", 3, &mut random, volume),
            ],
        }
    })
}

fn cpu(host: u32, stretch: Stretch) -> Series {
    let random = &mut Random::new(stretch.seed() + 1_000 + u64::from(host));
    let times = times(stretch.start(), 10 * SECOND, stretch.seconds / 10);
    let count = times.len();
    let idle = |random: &mut Random| Value::Float((random.fraction() * 50.0).max(FLOAT_MIN));
    Series {
        measurement: "cpu",
        tags: vec![("host", format!("server{host:02}")), ("region", format!("eu-{}", host % 3))],
        times,
        fields: vec![
            field("load", count, random, |random| Value::Integer(random.below(101).into())),
            field("up", count, random, |random| Value::Boolean(random.below(1_000) > 0)),
            field("usage_idle", count, random, idle),
            field("usage_system", count, random, |random| rounded(random, 20_000, 1_000)),
            field("usage_user", count, random, |random| rounded(random, 1_000_000, 10_000)),
        ],
    }
}

fn air_quality(sensor: u32, stretch: Stretch) -> Series {
    let random = &mut Random::new(stretch.seed() + u64::from(sensor));
    let times = times(stretch.start() + 123_456_789, 60 * SECOND, stretch.seconds / 60);
    let count = times.len();
    let note = |random: &mut Random| {
        Value::String(format!("line {}, with \"quotes\" and comma", random.below(10)))
    };
    let temperature = |random: &mut Random| Value::Float(18.0 + random.fraction() * 5.0);
    Series {
        measurement: AIR_QUALITY,
        tags: vec![("city", "San José".to_owned()), ("sensor id", format!("s{sensor}"))],
        times,
        fields: vec![
            field(HUMIDITY, count, random, |random| Value::Unsigned(random.below(100).into())),
            field("note", count, random, note),
            field("temp", count, random, temperature),
        ],
    }
}

fn times(first: i64, every: i64, count: i64) -> Vec<i64> {
    (0..count).map(|nth| first + nth * every).collect()
}

fn field(
    key: &'static str,
    count: usize,
    random: &mut Random,
    mut value: impl FnMut(&mut Random) -> Value,
) -> Field {
    Field { key, values: (0..count).map(|_| value(random)).collect() }
}

/// A float with few decimals, as instruments give it.
fn rounded(random: &mut Random, bound: u32, per_one: u32) -> Value {
    Value::Float(f64::from(random.below(bound)) / f64::from(per_one))
}
