//! What is wrong with a configuration is said in one sentence that names the key.

#[path = "settings/rules.rs"]
mod rules;

use serde_json::{Value, json};
use tsm2iox_guest::error::Fault;
use tsm2iox_guest::plan::{Plan, Purpose};

fn fit() -> Value {
    json!({
        "migration": {
            "start": "2022-01-01T00:00:00Z",
            "stop": "2022-02-01T00:00:00Z",
            "batch_interval": "1h",
        },
        "source": { "api": "v2", "url": "http://s", "org": "o", "bucket": "b", "token_env": "T" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "b", "token_file": "t" },
    })
}

/// Sets a key (or a whole table, where the key is empty) and expects this error and hint.
#[track_caller]
fn check(table: &str, key: &str, value: Value, message: &str, hint: Option<&str>) {
    let mut settings = fit();
    match (key, value) {
        ("", value) => settings[table] = value,
        (key, Value::Null) => {
            settings[table].as_object_mut().expect("it is a table").remove(key);
        }
        (key, value) => settings[table][key] = value,
    }
    let error = Plan::open(Purpose::Migrate, &settings.to_string()).expect_err(message);
    assert_eq!(error.fault, Fault::Settings);
    assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, hint));
}

#[track_caller]
fn check_error(settings: &Value, message: &str) {
    let error = Plan::open(Purpose::Migrate, &settings.to_string()).expect_err(message);
    assert_eq!((error.fault, error.message.as_str()), (Fault::Settings, message));
}

#[test]
fn the_settings_that_the_others_change_are_fit() {
    Plan::open(Purpose::Migrate, &fit().to_string()).expect("they are fit");
}

#[test]
fn what_becomes_of_line_breaks_is_one_of_two_words() {
    let message = "`schema.line_breaks` must be \"refuse\" or \"accept\"";
    check("schema", "", json!({ "line_breaks": "keep" }), message, None);
    let mut settings = fit();
    settings["schema"] = json!({ "line_breaks": "accept" });
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("it is fit");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_one() {
    let unknown = |table, key, message, hint| check(table, key, json!("x"), message, Some(hint));
    unknown(
        "migration",
        "strat",
        "unknown key `migration.strat`",
        "the nearest key is `migration.start`",
    );
    unknown(
        "source",
        "tokenenv",
        "unknown key `source.tokenenv`",
        "the nearest key is `source.token_env`",
    );
    unknown("sorce", "", "unknown key `sorce`", "the nearest key is `source`");
    unknown(
        "limits",
        "quota",
        "unknown key `limits.quota`",
        "the keys that there are: concurrency, attempts, window, read_mb, write_mb, share, rate_mb_per_s, \
         read_price_per_gb, write_price_per_gb",
    );
}

#[test]
fn each_server_may_have_a_token_for_reading_and_a_way() {
    let mut settings = fit();
    settings["checkpoint"] = json!({ "bucket": "c" });
    for table in ["source", "destination", "checkpoint"] {
        settings[table]["token_env"] = json!("T");
        settings[table]["read_token_file"] = json!("t");
        settings[table]["ca_file"] = json!("ca.pem");
        settings[table]["proxy"] = json!("http://p");
        Plan::open(Purpose::Migrate, &settings.to_string()).expect("they are fit");
    }
    let message = "`checkpoint.read_token_env` needs `checkpoint.bucket`; a file has none";
    check("checkpoint", "", json!({ "read_token_env": "T" }), message, None);
}

#[test]
fn a_missing_key_is_named() {
    let missing = |table, key, message| check(table, key, Value::Null, message, None);
    missing("migration", "start", "`migration.start` is missing");
    missing("migration", "stop", "`migration.stop` is missing");
    missing("source", "api", "`source.api` is missing");
    missing("source", "org", "`source.org` is missing");
    missing("destination", "bucket", "`destination.bucket` is missing");
}

#[test]
fn a_time_is_a_time_with_an_offset() {
    let time = |text, message| check("migration", "start", json!(text), message, None);
    time("yesterday", "`migration.start`: `yesterday` is not a time such as 2022-01-01T00:00:00Z");
    time(
        "2022-01-01T00:00:00",
        "`migration.start`: `2022-01-01T00:00:00` has no offset; end it with `Z` for UTC",
    );
    time(
        "2022-01-01",
        "`migration.start`: `2022-01-01` is not a time such as 2022-01-01T00:00:00Z",
    );
    time(
        "1500-01-01T00:00:00Z",
        "`migration.start`: `1500-01-01T00:00:00Z` is out of range: InfluxDB keeps the years 1677 to 2262",
    );
    check(
        "migration",
        "start",
        json!(1_640_995_200),
        "`migration.start` must be a text in quotes that is not empty",
        None,
    );
    // A blank instead of `T`, and an offset, are RFC 3339 too.
    let mut settings = fit();
    settings["migration"]["start"] = json!("2022-01-01 02:00:00+02:00");
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("they are fit");
}

#[test]
fn the_stop_is_after_the_start() {
    check(
        "migration",
        "stop",
        json!("2022-01-01T00:00:00Z"),
        "`migration.stop` (2022-01-01T00:00:00Z) must be later than `migration.start` (2022-01-01T00:00:00Z)",
        None,
    );
}

#[test]
fn an_interval_is_a_flux_duration() {
    for text in ["1", "h", "1.5h", "-1h", "0s", "1 h", "99999999999999999999h"] {
        let message = format!(
            "`migration.batch_interval`: `{text}` is not a duration such as `1h`, `1d` or `1mo`"
        );
        check("migration", "batch_interval", json!(text), &message, None);
    }
    for text in ["auto", "1h", "1d", "1mo", "1y", "1h30m", "1mo2w3d4h5m6s7ms8us9ns", "1µs"] {
        let mut settings = fit();
        settings["migration"]["batch_interval"] = json!(text);
        Plan::open(Purpose::Migrate, &settings.to_string()).expect(text);
    }
}

#[test]
fn a_limit_is_a_number_of_what_its_name_says() {
    let limit = |key: &str, value: Value, message: &str| {
        check("limits", "", json!({ key: value }), message, None);
    };
    let megabytes = "must be a number of megabytes above 0, or \"auto\"";
    limit("write_mb", json!("5"), &format!("`limits.write_mb` {megabytes}"));
    limit("read_mb", json!(0), &format!("`limits.read_mb` {megabytes}"));
    limit("rate_mb_per_s", json!(-1), "`limits.rate_mb_per_s` must be a number above 0");
    limit("share", json!(1.5), "`limits.share` must be a number above 0, and 1 at most");
    let window =
        "`limits.window` must be a duration of a second or more, without months, such as `5m`";
    limit("window", json!("1mo"), window);
    let unasked = "`limits.write_mb` cannot be \"auto\": only an organization of `api = \"v2\"` has \
                   limits that can be asked for, with `destination.org`";
    limit("write_mb", json!("auto"), unasked);
    let lag =
        "`migration.lag` must be a duration of a second or more, without months, such as `1h`";
    check("migration", "lag", json!("1mo"), lag, None);
    let every =
        "`migration.every` must be a duration of a second or more, without months, such as `5m`";
    check("migration", "every", json!("1mo"), every, None);
    let trust = "`checkpoint.trust_task` must be `true` or `false`";
    check("checkpoint", "", json!({ "trust_task": "yes" }), trust, None);
    let mut settings = fit();
    settings["limits"] = json!({
        "read_mb": "auto", "write_mb": 0.5, "share": 1, "window": "1m30s", "rate_mb_per_s": 2.5,
        "read_price_per_gb": 0.09, "write_price_per_gb": 2,
    });
    settings["migration"]["lag"] = json!("0s");
    settings["migration"]["every"] = json!("5m");
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("they are fit");
}

#[test]
fn what_does_not_go_together_is_said() {
    let both = |table, key, value, message| check(table, key, value, message, None);
    both(
        "source",
        "api",
        json!("v3"),
        "`source.api` must be one of \"v2\", \"v1\", \"csv\", \"lp\"; found \"v3\"",
    );
    both(
        "source",
        "path",
        json!("x"),
        "`source.path` is for a file; this `source.api` has a `url`",
    );
    both(
        "destination",
        "api",
        json!("lp"),
        "`destination.url` is for a server; this `destination.api` has a `path`",
    );
    both(
        "source",
        "",
        json!({ "api": "csv", "path": "x.csv" }),
        "`migration.batch_interval` divides a bucket; a file is one batch",
    );
    both(
        "checkpoint",
        "",
        json!({ "path": "x", "bucket": "y" }),
        "`checkpoint` has a `path` and a `bucket`: choose one",
    );
    both(
        "checkpoint",
        "",
        json!({ "url": "http://c" }),
        "`checkpoint.url` needs `checkpoint.bucket`; a file has none",
    );
    both(
        "source",
        "url",
        json!("http://me:secret@s"),
        "`source.url` must be a base URL alone, without user, password, `?`, `#`, `\\` and blanks",
    );
    both(
        "destination",
        "url",
        json!("127.0.0.1:8181"),
        "`destination.url` must be a URL that begins with `http://` or `https://`",
    );
    both("migration", "", json!(3), "`migration` must be a table: `[migration]`");
    both(
        "limits",
        "",
        json!({ "concurrency": 0 }),
        "`limits.concurrency` must be a whole number from 1 to 32",
    );
    both(
        "migration",
        "measurements",
        json!([]),
        "`migration.measurements` must be a list of texts, such as `[\"cpu\"]`",
    );
    both(
        "destination",
        "bucket",
        json!("a\nb"),
        "`destination.bucket` cannot be recorded: it holds a line break",
    );
}

#[test]
fn each_language_has_its_own_way_to_select() {
    let with = |source: Value, key: &str, message: &str| {
        let mut settings = fit();
        let source = source.as_object().expect("keys");
        source.iter().for_each(|(key, value)| settings["source"][key] = value.clone());
        settings["migration"][key] = json!("x = 1");
        check_error(&settings, message);
    };
    let influxql = json!({ "language": "influxql" });
    let message = "`migration.filter` is Flux, and this source is read by InfluxQL; use `where`";
    with(influxql, "filter", message);
    with(json!({ "api": "v1" }), "filter", message);
    let message = "`migration.where` is InfluxQL, and this source is read by Flux; use `filter`";
    with(json!({ "language": "flux" }), "where", message);
    let message = "`source.language` must be \"auto\", \"influxql\" or \"flux\"";
    with(json!({ "language": "sql" }), "where", message);
    let message = "`source.language` is for `source.api = \"v2\"`; the others have but one";
    with(json!({ "language": "auto", "api": "v1" }), "where", message);

    let mut settings = fit();
    settings["migration"]["where"] = json!("a = 1");
    settings["migration"]["filter"] = json!("r.a == 1");
    let message = "`migration.filter` is Flux and `migration.where` is InfluxQL: choose one";
    check_error(&settings, message);

    let mut settings = fit();
    settings["source"] = json!({ "api": "lp", "path": "x.lp" });
    settings["migration"] = json!({ "where": "a = 1" });
    let message = "`migration.where` selects from a bucket; a file is migrated as a whole";
    check_error(&settings, message);
}

#[test]
fn a_product_fits_its_api() {
    let with = |api: &str, product: &str| {
        let mut settings = fit();
        settings["destination"]["api"] = json!(api);
        settings["destination"]["product"] = json!(product);
        settings
    };
    for product in ["core", "enterprise", "serverless", "dedicated", "clustered", "cloud", "oss"] {
        let settings = with("v2", product).to_string();
        Plan::open(Purpose::Migrate, &settings).expect("any product may be behind `/api/v2`");
    }
    let message = "`destination.product` must be one of \"core\", \"enterprise\", \"serverless\", \
                   \"dedicated\", \"clustered\", \"cloud\", \"oss\"";
    check_error(&with("v2", "v2"), message);
    check_error(&with("v2", "Core"), message);
    let message = "`destination.product` is \"oss\": it has no `/api/v3`; choose another \
                   `destination.api`";
    check_error(&with("v3", "oss"), message);
    check_error(&with("v3", "cloud"), &message.replace("oss", "cloud"));
    check_error(
        &with("v1", "enterprise"),
        "`destination.product` is \"enterprise\": choose `destination.api = \"v3\"` for InfluxDB 3 \
         Enterprise, or `product = \"oss\"` for InfluxDB Enterprise 1.x",
    );

    let mut settings = fit();
    settings["destination"] = json!({ "api": "lp", "path": "x.lp", "product": "dedicated" });
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("a file may be for a product");
    settings["source"]["product"] = json!("oss");
    check_error(&settings, "unknown key `source.product`");
}

#[test]
fn a_database_is_not_migrated_into_itself() {
    let mut settings = fit();
    let v1 = |bucket: &str| json!({ "api": "v1", "url": "http://one", "bucket": bucket });
    settings["source"] = v1("db");
    settings["destination"] = v1("db/rp");
    check_error(&settings, "`source.bucket` and `destination.bucket` are the same bucket");
    settings["source"] = v1("db/a");
    settings["destination"] = v1("db/b");
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("they are two retention policies");
}

#[test]
fn a_token_has_no_place_in_a_configuration() {
    check(
        "source",
        "token",
        json!("secret"),
        "unknown key `source.token`",
        Some(
            "a token never stands here: `token_env` names the variable that holds it, or \
             `token_file` the file",
        ),
    );
}

#[test]
fn two_places_are_two() {
    check(
        "destination",
        "",
        json!({ "api": "v2", "url": "http://s/", "org": "o", "bucket": "b" }),
        "`source.bucket` and `destination.bucket` are the same bucket",
        None,
    );
    check(
        "checkpoint",
        "",
        json!({ "bucket": "b" }),
        "`source.bucket` and `checkpoint.bucket` are the same bucket",
        None,
    );
}
