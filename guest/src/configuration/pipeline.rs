//! The two pipelines of the guide's task that move points: `data`, and the one that writes it.
//!
//! Knows which functions the guide has there. Another one would alter points, and a migration moves
//! them as they are: that is an error.
//!
//! ```text
//! data = () => from(bucket: …) |> range(start: …, stop: …) |> filter(fn: (r) => …)
//! data() |> to(host: …, org: …, token: …, bucket: …)
//! ```

use super::flux::{Kind, Token};
use super::script::{Entry, Script, Value};
use crate::error::Error;

/// An argument, and the members that may be its value.
type Expected = (&'static str, &'static str, &'static str);

const FROM: [Expected; 1] = [("bucket", "migration", "sourceBucket")];
const RANGE: [Expected; 2] = [("start", "batch", "start"), ("stop", "batch", "stop")];
const TO: [Expected; 3] = [
    ("host", "migration", "destinationHost"),
    ("org", "migration", "destinationOrg"),
    ("bucket", "migration", "destinationBucket"),
];

/// The predicates of `data`, in their order: what follows `(r) =>`.
pub(super) fn filters(script: &Script<'_>) -> Result<Vec<Value>, Error> {
    let mut at = script.definition("data", "function `data = () => from(…)`")?;
    for sign in ["(", ")", "=>"] {
        at = expect(script, at, sign, "`data = () => from(…)`")?;
    }
    at = call(script, at, "from", &FROM, None)?;
    at = expect(script, at, "|>", "`|> range(…)` after `from(…)`")?;
    at = call(script, at, "range", &RANGE, None)?;
    let mut filters = Vec::new();
    while script.token(at).is("|>") {
        let name = script.token(at + 1);
        if !name.is_name("filter") {
            return Err(script.unexpected("`filter`", name).with_hint(
                "a migration moves points as they are; take this out of the script, and see `schema` of the \
                 configuration for names and types",
            ));
        }
        let (arguments, after) = script.entries(at + 2, ["(", ")"])?;
        filters.push(predicate(script, name, &arguments)?);
        at = after;
    }
    check_end(script, at)?;
    Ok(filters)
}

/// Checks that what is written is `data()`, as it is, to the destination of `migration`.
pub(super) fn check_destination(script: &Script<'_>) -> Result<(), Error> {
    let outside = script.outside();
    let is_value =
        |at: usize| at > 0 && ["=", "=>"].iter().any(|sign| script.token(at - 1).is(sign));
    let is_use = |at: &usize| {
        let (name, open) = (script.token(*at), script.token(*at + 1));
        name.is_name("data") && open.is("(") && !is_value(*at)
    };
    let uses: Vec<_> = outside.into_iter().filter(is_use).collect();
    let at = match uses.as_slice() {
        [] => {
            let end = script.token(usize::MAX);
            return Err(script.unexpected("`data() |> to(…)`", end));
        }
        [one] => *one,
        [one, two, ..] => {
            let first = script.line(script.token(*one));
            let message = format!("`data()` is written once more, after line {first}");
            return Err(script.fault(script.token(*two), &message));
        }
    };
    let mut after = at + 1;
    for sign in ["(", ")", "|>"] {
        after = expect(script, after, sign, "`data() |> to(…)`")?;
    }
    after = call(script, after, "to", &TO, Some("token"))?;
    check_end(script, after)
}

/// The number of the token after this sign.
fn expect(script: &Script<'_>, at: usize, sign: &str, expected: &str) -> Result<usize, Error> {
    match script.token(at) {
        token if token.is(sign) => Ok(at + 1),
        token => Err(script.unexpected(expected, token)),
    }
}

/// Reads a call of a function with these arguments, and perhaps one of any value, which is never
/// shown; gives the number of the token after it.
fn call(
    script: &Script<'_>,
    at: usize,
    function: &str,
    expected: &[Expected],
    secret: Option<&str>,
) -> Result<usize, Error> {
    let name = script.token(at);
    if !name.is_name(function) {
        return Err(script.unexpected(&format!("`{function}`"), name));
    }
    let (arguments, after) = script.entries(at + 1, ["(", ")"])?;
    for Entry { name, value } in &arguments {
        if Some(name.text) == secret {
            continue;
        }
        let known = expected.iter().find(|(argument, ..)| name.is_name(argument));
        let Some((argument, record, field)) = known else {
            let expected = format!("an argument of `{function}` that the guide has");
            return Err(script.unexpected(&expected, *name));
        };
        let is_it = match script.tokens(value) {
            [one, dot, two] => one.is_name(record) && dot.is(".") && two.is_name(field),
            _ => false,
        };
        if !is_it {
            let found = script.shown(value);
            let message = format!(
                "expected `{record}.{field}` as `{argument}` of `{function}`, found {found}"
            );
            return Err(script.fault(*name, &message));
        }
    }
    for (argument, ..) in expected {
        if !arguments.iter().any(|entry| entry.name.is_name(argument)) {
            return Err(script.fault(name, &format!("`{function}` has no `{argument}`")));
        }
    }
    Ok(after)
}

/// What follows `fn: (r) =>`. `onEmpty` decides about tables without points, and no point.
fn predicate(
    script: &Script<'_>,
    filter: Token<'_>,
    arguments: &[Entry<'_>],
) -> Result<Value, Error> {
    let mut function = None;
    for Entry { name, value } in arguments {
        match name.text {
            "fn" => function = Some(value),
            "onEmpty" => {}
            _ => return Err(script.unexpected("`fn` or `onEmpty`", *name)),
        }
    }
    let function = function.ok_or_else(|| script.fault(filter, "`filter` has no `fn`"))?;
    let mut at = function.start;
    at = expect(script, at, "(", "`(r) => …`")?;
    if !script.token(at).is_name("r") {
        return Err(script.unexpected("`r` as the name of a row", script.token(at)));
    }
    for sign in [")", "=>"] {
        at = expect(script, at + usize::from(sign == ")"), sign, "`(r) => …`")?;
    }
    let begins = script.token(at);
    if at >= function.end || begins.is("{") {
        return Err(script.unexpected("a condition after `(r) =>`", begins));
    }
    Ok(at..function.end)
}

/// Checks that a pipeline ends here: what follows begins a statement.
fn check_end(script: &Script<'_>, at: usize) -> Result<(), Error> {
    let token = script.token(at);
    match token.kind {
        Kind::Name if !["and", "or"].contains(&token.text) => Ok(()),
        Kind::End => Ok(()),
        _ => Err(script.unexpected("the end of the pipeline", token)),
    }
}
