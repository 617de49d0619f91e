//! What is wrong with the rules of `[schema]` is said of each by its number.

use serde_json::{Value, json};
use tsm2iox_guest::plan::{Plan, Purpose};

use crate::{check, fit};

/// Rules, and what is wrong with them.
#[track_caller]
fn check_rules(schema: Value, message: &str, hint: Option<&str>) {
    check("schema", "", schema, message, hint);
}

#[test]
fn rules_that_are_fit_are_taken() {
    let mut settings = fit();
    settings["schema"] = json!({
        "rename": [
            { "measurement": "cpu", "field": "host", "to": "host_value" },
            { "tag": "time", "to": "time_tag" },
            { "measurement": "#odd", "to": "odd" },
        ],
        "types": [{ "measurement": "cpu", "field": "load", "as": "float" }, { "field": "load", "as": "suffix" }],
    });
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("they are fit");
}

#[test]
fn what_is_wrong_with_a_rule_is_said_of_its_number() {
    let rename = |rule: Value, what: &str| {
        let first = json!({ "tag": "a", "to": "b" });
        let message = format!("rule 2 of `schema.rename` {what}");
        check_rules(json!({ "rename": [first, rule] }), &message, None);
    };
    rename(json!({ "field": "f" }), "has no `to`");
    rename(
        json!({ "field": "f", "to": "" }),
        "must have a text in quotes as `to`, which is not empty",
    );
    rename(
        json!({ "field": 1, "to": "g" }),
        "must have a text in quotes as `field`, which is not empty",
    );
    rename(json!({ "to": "g" }), "is about nothing: give it a `measurement`, a `tag` or a `field`");
    rename(json!({ "field": "f", "tag": "t", "to": "g" }), "has a `tag` and a `field`: choose one");
    rename(
        json!({ "measurement": "m", "field": "f", "to": "f" }),
        "renames field `f` of `m` to itself",
    );
    rename(
        json!({ "field": "f", "to": "time" }),
        "leads to the field key `time`, which cannot be written: it is reserved for the time",
    );
    rename(
        json!({ "measurement": "m", "to": "#m" }),
        "leads to the measurement `#m`, which cannot be written: it begins with `#`, as a comment does",
    );
    let types = |rule: Value, what: &str| {
        let message = format!("rule 1 of `schema.types` {what}");
        check_rules(json!({ "types": [rule] }), &message, None);
    };
    types(json!({ "measurement": "m", "as": "float" }), "has no `field`");
    types(json!({ "field": "f" }), "has no `as`");
    types(json!({ "field": "f", "as": "integer" }), "must have \"float\" or \"suffix\" as `as`");
}

#[test]
fn two_rules_for_one_thing_are_named() {
    let a = json!({ "field": "f", "to": "g" });
    let b = json!({ "measurement": "m", "field": "f", "to": "h" });
    for (rules, message) in [
        (
            [a.clone(), b.clone(), a],
            "rules 1 and 3 of `schema.rename` are both about field `f` of all measurements",
        ),
        (
            [json!({ "tag": "f", "to": "g" }), b.clone(), b],
            "rules 2 and 3 of `schema.rename` are both about field `f` of `m`",
        ),
    ] {
        check_rules(json!({ "rename": rules }), message, None);
    }
    let types = json!([{ "field": "f", "as": "float" }, { "field": "f", "as": "suffix" }]);
    let message = "rules 1 and 2 of `schema.types` are both about field `f` of all measurements";
    check_rules(json!({ "types": types }), message, None);
}

#[test]
fn rules_that_make_one_of_two_are_refused() {
    let message =
        |what: &str| format!("the rules of `schema.rename` and `schema.types` lead {what}");
    let hint = Some("choose another name for one of both: nothing is lost by two names");
    let rename = json!([{ "measurement": "a", "to": "c" }, { "measurement": "b", "to": "c" }]);
    check_rules(
        json!({ "rename": rename }),
        &message("the measurements `a` and `b` to one name, `c`"),
        hint,
    );
    let rename = json!([{ "tag": "a", "to": "c" }, { "measurement": "m", "tag": "b", "to": "c" }]);
    check_rules(
        json!({ "rename": rename }),
        &message("the tags of `m` `a` and `b` to one name, `c`"),
        hint,
    );
    let rename = json!([{ "field": "a", "to": "load_float" }]);
    let types = json!([{ "field": "load", "as": "suffix" }]);
    let of = message("the fields `a` and `load` to one name, `load_float`");
    check_rules(json!({ "rename": rename, "types": types }), &of, hint);
}

#[test]
fn rules_are_tables_with_known_keys_and_not_too_many() {
    let message = "`schema.rename` must be a list of tables, each begun by `[[schema.rename]]`";
    check_rules(json!({ "rename": { "field": "f", "to": "g" } }), message, None);
    check_rules(json!({ "rename": ["f"] }), message, None);
    check_rules(
        json!({ "types": [{ "fild": "f", "as": "float" }] }),
        "unknown key `schema.types[1].fild`",
        Some("the nearest key is `schema.types[1].field`"),
    );
    let many: Vec<_> =
        (0..2000).map(|n| json!({ "tag": format!("a{n}"), "to": format!("b{n}") })).collect();
    let message = "`schema.rename` has 55781 bytes of rules; a record holds 32000";
    check_rules(json!({ "rename": many }), message, None);
}

#[test]
fn values_are_set_aside_only_where_some_may_be() {
    check_rules(
        json!({ "unfit": "drop" }),
        "`schema.unfit` must be \"refuse\" or \"set_aside\"",
        None,
    );
    check_rules(
        json!({ "unfit": "set_aside" }),
        "`schema.unfit` is \"set_aside\", and `rejected.max` is 0",
        Some("say how many points may be set aside in all: `rejected.max`, 1 or more"),
    );
    let mut settings = fit();
    settings["schema"] = json!({ "unfit": "set_aside" });
    settings["rejected"] = json!({ "max": 1 });
    Plan::open(Purpose::Migrate, &settings.to_string()).expect("it is fit");
}
