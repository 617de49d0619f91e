//! The filters of the guide's task: which part of the bucket they select.
//!
//! Knows conditions that name measurements alone; any other stays Flux, if it can stand alone.
//!
//! ```text
//! r._measurement == "cpu" or r._measurement == "mem"   ─▶   measurements = ["cpu", "mem"]
//! ```

use super::flux::{Kind, Token};
use super::script::{Script, Value};
use super::task::unescaped;
use crate::error::Error;

/// Words and functions that a condition has without the rest of its script. Not `now`, which is
/// another time in each query.
const KNOWN: [&str; 21] = [
    "r", "and", "or", "not", "exists", "if", "then", "else", "true", "false", "contains", "length",
    "string", "int", "uint", "float", "bool", "time", "duration", "bytes", "display",
];

/// Brackets within brackets: nobody writes more, and each takes a part of the stack.
const NESTED_MAX: usize = 32;

/// What filters select together.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// All if it is empty.
    pub(super) measurements: Vec<String>,
    pub(super) filter: Option<String>,
}

impl Selection {
    /// What these conditions select, if all of them hold.
    pub(super) fn of(script: &Script<'_>, conditions: &[Value]) -> Result<Self, Error> {
        let named: Vec<_> =
            conditions.iter().map(|condition| measurements(script, condition)).collect();
        // Of two lists, only what is in both is meant: they stay conditions.
        let is_list = named.iter().flatten().count() == 1;
        let (mut selection, mut others) = (Self::default(), Vec::new());
        for (condition, named) in conditions.iter().zip(named) {
            match named {
                Some(names) if is_list => selection.measurements = names,
                Some(_) | None => {
                    check_stands_alone(script, condition)?;
                    others.push(script.on_one_line(condition));
                }
            }
        }
        selection.filter = match others.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            _ => {
                Some(others.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" and "))
            }
        };
        Ok(selection)
    }
}

/// The measurements that a condition names, if that is all that it does.
fn measurements(script: &Script<'_>, condition: &Value) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let rest = take_any(script.tokens(condition), NESTED_MAX, &mut names)?;
    rest.is_empty().then_some(names)
}

/// Takes comparisons between `or`, and gives what follows them.
fn take_any<'t, 'a>(
    mut tokens: &'t [Token<'a>],
    nested_max: usize,
    names: &mut Vec<String>,
) -> Option<&'t [Token<'a>]> {
    loop {
        let after = match tokens {
            [open, inner @ ..] if open.is("(") => {
                let after = take_any(inner, nested_max.checked_sub(1)?, names)?;
                let (close, after) = after.split_first()?;
                close.is(")").then_some(after)?
            }
            _ => take_comparison(tokens, names)?,
        };
        match after {
            [or, rest @ ..] if or.is_name("or") => tokens = rest,
            _ => return Some(after),
        }
    }
}

/// Takes `r._measurement == "cpu"`, or `r["_measurement"] == "cpu"`, and gives what follows it.
fn take_comparison<'t, 'a>(
    tokens: &'t [Token<'a>],
    names: &mut Vec<String>,
) -> Option<&'t [Token<'a>]> {
    let (column, rest) = match tokens {
        [r, dot, column, rest @ ..] if r.is_name("r") && dot.is(".") => (column, rest),
        [r, open, column, close, rest @ ..] if r.is_name("r") && open.is("[") && close.is("]") => {
            (column, rest)
        }
        _ => return None,
    };
    let [equal, name, rest @ ..] = rest else { return None };
    let is_measurement = ["_measurement", "\"_measurement\""].contains(&column.text);
    if !is_measurement || !equal.is("==") || name.kind != Kind::Text {
        return None;
    }
    let name = unescaped(name.text).filter(|name| !name.is_empty())?;
    if !names.contains(&name) {
        names.push(name);
    }
    Some(rest)
}

/// Checks that a condition needs nothing of its script: a migration has it alone.
fn check_stands_alone(script: &Script<'_>, condition: &Value) -> Result<(), Error> {
    let mut open = Vec::new();
    for at in condition.clone() {
        let token = script.token(at);
        match token.kind {
            Kind::Sign if ["(", "[", "{"].contains(&token.text) => open.push(token.text),
            Kind::Sign if [")", "]", "}"].contains(&token.text) => drop(open.pop()),
            Kind::Interpolated => {
                let expected = "a text without `${…}` in a filter";
                return Err(script.unexpected(expected, token));
            }
            Kind::Name if !KNOWN.contains(&token.text) => {
                let is_member = at > condition.start && script.token(at - 1).is(".");
                // The name of an argument or of a field; in `[k: v]` it is a value.
                let is_name = script.token(at + 1).is(":") && open.last() != Some(&"[");
                if !is_member && !is_name {
                    let shown = token.shown();
                    let message =
                        format!("the filter uses {shown}, which is defined outside of it");
                    return Err(script.fault(token, &message).with_hint(
                        "a migration has the condition alone: write the value itself into it",
                    ));
                }
            }
            Kind::Name
            | Kind::Text
            | Kind::Number
            | Kind::Time
            | Kind::Regex
            | Kind::Sign
            | Kind::End => {}
        }
    }
    Ok(())
}
