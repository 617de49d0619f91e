//! A script of Flux as tokens, without its comments.
//!
//! Knows how Flux is spelt, and not what it means.
//!
//! ```text
//! migration = {start: 2022-01-01T00:00:00Z} // all
//! `migration` `=` `{` `start` `:` `2022-01-01T00:00:00Z` `}`
//! ```

use crate::error::{Error, Fault};

/// A word, a value or a sign of a script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As it is written.
    pub(super) text: &'a str,
    /// The byte of the script at which it begins.
    pub(super) at: usize,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// In double quotes.
    Text,
    /// The same, with `${…}` in it: what it says is known only to Flux.
    Interpolated,
    /// With its unit, if it is a duration.
    Number,
    Time,
    Regex,
    /// An operator or a bracket.
    Sign,
    /// After the last one.
    End,
}

/// Signs of two characters, which come before those of one.
const SIGNS: [&str; 9] = ["|>", "=>", "<-", "==", "!=", "=~", "!~", "<=", ">="];
const SHORT_SIGNS: &str = "()[]{},.:=<>+-*/%^?@";

/// Words after which a value begins, and so a `/` begins a regular expression.
const OPERATORS: [&str; 9] = ["and", "or", "not", "return", "if", "then", "else", "exists", "in"];

/// Texts in `${…}` in texts: nobody writes more, and each takes a part of the stack.
const NESTED_MAX: usize = 16;

/// A longer name or number is not shown: it may be a token that has lost its quotes.
const SHOWN_CHARACTERS_MAX: usize = 24;

/// All tokens of a script, with one `End` after them.
pub(super) fn tokens(script: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut lexer = Lexer { script, at: 0, before: None, nested: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        tokens.push(token);
        if token.kind == Kind::End {
            return Ok(tokens);
        }
    }
}

/// An error at a byte of a script.
pub(super) fn fault(script: &str, at: usize, message: &str) -> Error {
    let line = line(script, at);
    let error = Error::new(Fault::Settings, format!("line {line}: {message}"));
    Error { line: Some(line), ..error }
}

/// The line that a byte is in, counted from 1.
pub(super) fn line(script: &str, at: usize) -> u64 {
    let before = &script.as_bytes()[..at.min(script.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl Token<'_> {
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text == name
    }

    /// The byte of the script after it.
    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// Whether it may be shown, if it is a name or a number.
    pub(super) fn is_short(&self) -> bool {
        self.kind != Kind::Text && self.text.chars().nth(SHOWN_CHARACTERS_MAX).is_none()
    }

    /// What it is, for a message. What is in quotes is never shown: it may be a token.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::Sign | Kind::Time => format!("`{}`", self.text),
            Kind::Name | Kind::Number if self.is_short() => format!("`{}`", self.text),
            kind => kind.title().to_owned(),
        }
    }
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Name => "a name",
            Self::Text => "a text in quotes",
            Self::Interpolated => "a text with `${…}` in it",
            Self::Number => "a number",
            Self::Time => "a time",
            Self::Regex => "a regular expression",
            Self::Sign => "a sign",
            Self::End => "the end of the script",
        }
    }
}

struct Lexer<'a> {
    script: &'a str,
    at: usize,
    before: Option<Token<'a>>,
    /// How many `${` are open.
    nested: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Token<'a>, Error> {
        self.skip_blanks();
        let at = self.at;
        let kind = match self.rest().chars().next() {
            None => Kind::End,
            Some('"') => self.text()?,
            Some('/') if self.begins_a_value() => self.regex()?,
            Some('0'..='9') => self.number(),
            Some(first) if is_letter(first) => {
                self.skip_while(|c| is_letter(c) || c.is_numeric());
                Kind::Name
            }
            Some(_) => self.sign()?,
        };
        let token = Token { kind, text: &self.script[at..self.at], at };
        self.before = Some(token);
        Ok(token)
    }

    fn rest(&self) -> &'a str {
        &self.script[self.at..]
    }

    fn skip_while(&mut self, is_in: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !is_in(c)).unwrap_or(rest.len());
    }

    fn skip_blanks(&mut self) {
        loop {
            self.skip_while(|c| c.is_whitespace() || c == '\u{feff}');
            // A comment wherever it stands: Flux has no empty regular expression.
            if !self.rest().starts_with("//") {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    /// Whether a value may begin here, not an operator: then a `/` does not divide.
    fn begins_a_value(&self) -> bool {
        let Some(before) = self.before else { return true };
        match before.kind {
            Kind::Name => OPERATORS.contains(&before.text),
            Kind::Sign => ![")", "]", "}"].contains(&before.text),
            Kind::Text | Kind::Interpolated | Kind::Number | Kind::Time | Kind::Regex => false,
            Kind::End => true,
        }
    }

    fn text(&mut self) -> Result<Kind, Error> {
        let start = self.at;
        let mut kind = Kind::Text;
        self.at += 1;
        loop {
            self.skip_while(|c| !['"', '\\', '$'].contains(&c));
            let rest = self.rest();
            if rest.starts_with('"') {
                self.at += 1;
                return Ok(kind);
            }
            if rest.starts_with("${") {
                kind = Kind::Interpolated;
                self.at += 2;
                self.skip_interpolation(start)?;
            } else if let Some(escaped) = rest.strip_prefix('\\') {
                self.at += 1 + escaped.chars().next().map_or(0, char::len_utf8);
            } else if rest.is_empty() {
                return Err(fault(self.script, start, "the text that begins here has no end"));
            } else {
                self.at += 1;
            }
        }
    }

    /// Goes to the end of a `${` that was read.
    fn skip_interpolation(&mut self, start: usize) -> Result<(), Error> {
        let message = format!("a text has more than {NESTED_MAX} texts within texts");
        if self.nested == NESTED_MAX {
            return Err(fault(self.script, start, &message));
        }
        self.nested += 1;
        let before = self.before.take();
        let mut open = 1;
        while open > 0 {
            let token = self.next()?;
            if token.kind == Kind::End {
                return Err(fault(self.script, start, "the `${` of this text has no end"));
            }
            open += usize::from(token.is("{"));
            open -= usize::from(token.is("}"));
        }
        self.nested -= 1;
        self.before = before;
        Ok(())
    }

    fn regex(&mut self) -> Result<Kind, Error> {
        let start = self.at;
        self.at += 1;
        loop {
            self.skip_while(|c| !['/', '\\', '\n'].contains(&c));
            let rest = self.rest();
            if rest.starts_with('/') {
                self.at += 1;
                return Ok(Kind::Regex);
            }
            let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
            match escaped {
                Some(escaped) => self.at += 1 + escaped.len_utf8(),
                None => {
                    let message = "the regular expression that begins here has no end";
                    return Err(fault(self.script, start, message));
                }
            }
        }
    }

    fn number(&mut self) -> Kind {
        if let Some(length) = time_length(self.rest()) {
            self.at += length;
            return Kind::Time;
        }
        self.skip_while(|c| c.is_ascii_digit());
        let is_digit = |c: char| c.is_ascii_digit();
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(is_digit)) {
            self.at += 1;
        }
        // A duration: `1h30m`, `5µs`.
        self.skip_while(|c| c.is_alphanumeric());
        Kind::Number
    }

    fn sign(&mut self) -> Result<Kind, Error> {
        let rest = self.rest();
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            self.at += sign.len();
            return Ok(Kind::Sign);
        }
        let found = rest.chars().next().unwrap_or_default();
        if !SHORT_SIGNS.contains(found) {
            let found = found.escape_debug();
            let message = format!("expected Flux, found the character `{found}`");
            return Err(fault(self.script, self.at, &message));
        }
        self.at += 1;
        Ok(Kind::Sign)
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// How many bytes of a text are a date, or a date and a time: `2022-01-01`, `2022-01-01T00:00:00.5+01:00`.
fn time_length(text: &str) -> Option<usize> {
    let begins = |at: usize, form: &[u8]| {
        let bytes = text.as_bytes().get(at..at + form.len());
        bytes.is_some_and(|bytes| {
            let fits = |(byte, form): (&u8, &u8)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            };
            bytes.iter().zip(form).all(fits)
        })
    };
    if !begins(0, b"0000-00-00") {
        return None;
    }
    if !begins(10, b"T00:00:00") {
        return Some(10);
    }
    let mut length = 19;
    if begins(length, b".0") {
        let digits = text[length + 1..].bytes().take_while(u8::is_ascii_digit).count();
        length += 1 + digits;
    }
    let offsets: [&[u8]; 3] = [b"Z", b"+00:00", b"-00:00"];
    let offset = offsets.into_iter().find(|offset| begins(length, offset));
    Some(length + offset.map_or(0, <[u8]>::len))
}
