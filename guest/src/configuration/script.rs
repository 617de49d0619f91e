//! A script of Flux as definitions, and a place in it that is read on from.
//!
//! Knows what stands beside what, and not what it is for. Where something else stands than what is
//! expected, that is an error with its line.

use std::ops::Range;

use super::flux::{self, Kind, Token};
use crate::error::{Error, Fault};

/// A script that was read, whose brackets are in pairs.
#[derive(Debug)]
pub(super) struct Script<'a> {
    text: &'a str,
    // Invariant: the last one is an `End`, and the only one.
    tokens: Vec<Token<'a>>,
}

/// A name and a value, in a record or in the arguments of a function.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub(super) name: Token<'a>,
    pub(super) value: Value,
}

/// The tokens of a value, by their numbers. Never empty.
pub(super) type Value = Range<usize>;

impl<'a> Script<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Error> {
        let script = Self { text, tokens: flux::tokens(text)? };
        script.check_brackets()?;
        Ok(script)
    }

    /// The token of this number, or the end.
    pub(super) fn token(&self, at: usize) -> Token<'a> {
        let end = Token { kind: Kind::End, text: "", at: self.text.len() };
        self.tokens.get(at).copied().unwrap_or(end)
    }

    pub(super) fn tokens(&self, value: &Value) -> &[Token<'a>] {
        self.tokens.get(value.clone()).unwrap_or_default()
    }

    /// What a value says, on one line and without its comments.
    pub(super) fn on_one_line(&self, value: &Value) -> String {
        let mut line = String::new();
        let mut end = None;
        for token in self.tokens(value) {
            if end.is_some_and(|end| end < token.at) {
                line.push(' ');
            }
            line += token.text;
            end = Some(token.end());
        }
        line
    }

    /// What a value is, for a message.
    pub(super) fn shown(&self, value: &Value) -> String {
        match self.tokens(value) {
            [one] => one.shown(),
            [one, dot, two] if dot.is(".") && [one, two].iter().all(|name| name.is_short()) => {
                format!("`{}.{}`", one.text, two.text)
            }
            _ => "an expression".to_owned(),
        }
    }

    pub(super) fn line(&self, token: Token<'_>) -> u64 {
        flux::line(self.text, token.at)
    }

    /// An error at a token.
    pub(super) fn fault(&self, token: Token<'_>, message: &str) -> Error {
        flux::fault(self.text, token.at, message)
    }

    /// Something else than what is expected.
    pub(super) fn unexpected(&self, expected: &str, found: Token<'_>) -> Error {
        self.fault(found, &format!("expected {expected}, found {}", found.shown()))
    }

    /// The number of the first token of what is defined by this name, outside of all brackets.
    pub(super) fn definition(&self, name: &str, what: &str) -> Result<usize, Error> {
        let definitions = self.definitions(name);
        match definitions.as_slice() {
            [] => Err(Error::new(Fault::Settings, format!("the script has no {what}"))
                .with_hint("this reads the task of InfluxData's migration guide")),
            [one] => Ok(*one),
            [one, two, ..] => {
                let first = self.line(self.token(*one));
                let message = format!("`{name}` is defined once more, after line {first}");
                Err(self.fault(self.token(*two), &message))
            }
        }
    }

    /// The same, all of them: of a name that may be there or not.
    pub(super) fn definitions(&self, name: &str) -> Vec<usize> {
        let outside = self.outside();
        let is_it = |at: &&usize| self.token(**at).is_name(name) && self.token(**at + 1).is("=");
        // A member of the same name is none.
        let is_member = |at: usize| at > 0 && self.token(at - 1).is(".");
        let found = outside.iter().filter(is_it).filter(|at| !is_member(**at));
        found.map(|at| at + 2).collect()
    }

    /// The numbers of all tokens that are in no bracket.
    pub(super) fn outside(&self) -> Vec<usize> {
        let mut open = 0_usize;
        let mut outside = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if closes(token) {
                open -= 1;
            }
            if open == 0 {
                outside.push(at);
            }
            if opens(token) {
                open += 1;
            }
        }
        outside
    }

    /// Reads `{name: value, …}` or `(name: value, …)` at this token, and gives the number of the one
    /// after it too.
    pub(super) fn entries(
        &self,
        at: usize,
        [open, close]: [&str; 2],
    ) -> Result<(Vec<Entry<'a>>, usize), Error> {
        let mut at = at;
        if !self.token(at).is(open) {
            return Err(self.unexpected(&format!("`{open}`"), self.token(at)));
        }
        at += 1;
        let mut entries: Vec<Entry<'a>> = Vec::new();
        while !self.token(at).is(close) {
            let name = self.token(at);
            if name.kind != Kind::Name {
                return Err(self.unexpected(&format!("a name or `{close}`"), name));
            }
            if !self.token(at + 1).is(":") {
                return Err(self.unexpected("`:` after the name", self.token(at + 1)));
            }
            if let Some(first) = entries.iter().find(|entry| entry.name.text == name.text) {
                let first = self.line(first.name);
                let name_shown = name.shown();
                let message = format!("{name_shown} is there once more, after line {first}");
                return Err(self.fault(name, &message));
            }
            let value = self.value(name, at + 2)?;
            at = value.end;
            entries.push(Entry { name, value });
            if self.token(at).is(",") {
                at += 1;
            }
        }
        Ok((entries, at + 1))
    }

    /// The tokens up to a `,` or the bracket around them. None of them is shown: they may be a token.
    fn value(&self, name: Token<'_>, start: usize) -> Result<Value, Error> {
        let mut open = 0_usize;
        let mut at = start;
        loop {
            let token = self.token(at);
            let is_end = token.is(",") || closes(&token) || token.kind == Kind::End;
            if open == 0 && is_end {
                break;
            }
            if open == 0 && token.is(":") {
                let name = name.shown();
                let message =
                    format!("expected `,` after the value of {name}, found the next name");
                return Err(self.fault(self.token(at - 1), &message));
            }
            if opens(&token) {
                open += 1;
            } else if closes(&token) {
                open -= 1;
            }
            at += 1;
        }
        match start < at {
            true => Ok(start..at),
            false => Err(self.unexpected("a value", self.token(at))),
        }
    }

    fn check_brackets(&self) -> Result<(), Error> {
        let mut open: Vec<Token<'a>> = Vec::new();
        for token in &self.tokens {
            if opens(token) {
                open.push(*token);
            } else if closes(token) {
                let pair = |open: Token<'_>| match open.text {
                    "(" => ")",
                    "[" => "]",
                    _ => "}",
                };
                match open.pop() {
                    Some(begun) if token.is(pair(begun)) => {}
                    Some(begun) => {
                        let line = self.line(begun);
                        let expected = format!("`{}` for line {line}", pair(begun));
                        return Err(self.unexpected(&expected, *token));
                    }
                    None => {
                        let message = format!("`{}` closes nothing", token.text);
                        return Err(self.fault(*token, &message));
                    }
                }
            }
        }
        match open.pop() {
            Some(begun) => {
                let message = format!("the `{}` here has no end", begun.text);
                Err(self.fault(begun, &message))
            }
            None => Ok(()),
        }
    }
}

fn opens(token: &Token<'_>) -> bool {
    ["(", "[", "{"].iter().any(|sign| token.is(sign))
}

fn closes(token: &Token<'_>) -> bool {
    [")", "]", "}"].iter().any(|sign| token.is(sign))
}
