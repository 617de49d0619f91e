//! The words of SQL and their places. Knows no grammar.

use std::fmt;

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Counted from 1, like its column.
    line: usize,
    column: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key word, or a name without quotes.
    Word(String),
    /// A name in double quotes, without them.
    Name(String),
    /// A text in single quotes, without them.
    Text(String),
    /// Digits.
    Number(String),
    /// Anything else, one character of it or two.
    Symbol(String),
    /// After the last word.
    End,
}

impl fmt::Display for Token {
    /// As `sqlparser` says what it found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::End => return f.write_str("EOF"),
            Kind::Word(text) | Kind::Number(text) | Kind::Symbol(text) => f.write_str(text)?,
            Kind::Name(name) => write!(f, "\"{}\"", name.replace('"', "\"\""))?,
            Kind::Text(text) => write!(f, "'{}'", text.replace('\'', "''"))?,
        }
        write!(f, " at Line: {}, Column: {}", self.line, self.column)
    }
}

/// The words of a script; the last one is `End`.
pub(super) fn tokens(script: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = script;
    loop {
        rest = rest.trim_start();
        let before = &script[..script.len() - rest.len()];
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        let (kind, length) =
            first(rest).map_err(|fault| format!("{fault} at Line: {line}, Column: {column}"))?;
        let has_ended = kind == Kind::End;
        tokens.push(Token { kind, line, column });
        if has_ended {
            return Ok(tokens);
        }
        rest = &rest[length..];
    }
}

fn first(script: &str) -> Result<(Kind, usize), &'static str> {
    let length_while = |is_part: fn(char) -> bool| {
        script.find(|character| !is_part(character)).unwrap_or(script.len())
    };
    let Some(character) = script.chars().next() else {
        return Ok((Kind::End, 0));
    };
    Ok(match character {
        '"' => {
            let (name, length) =
                quoted(script, '"').ok_or("Expected close delimiter '\"' before EOF.")?;
            (Kind::Name(name), length)
        }
        '\'' => {
            let (text, length) = quoted(script, '\'').ok_or("Unterminated string literal")?;
            (Kind::Text(text), length)
        }
        '0'..='9' => {
            let length = length_while(|character| character.is_ascii_digit());
            (Kind::Number(script[..length].to_owned()), length)
        }
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = length_while(|other| other.is_ascii_alphanumeric() || other == '_');
            (Kind::Word(script[..length].to_owned()), length)
        }
        _ if script.starts_with(">=") => (Kind::Symbol(">=".to_owned()), 2),
        other => (Kind::Symbol(other.to_string()), other.len_utf8()),
    })
}

/// What stands between quotes, in which two of them are one, and the length with them.
fn quoted(script: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut characters = script.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Some((text, at + 1));
        }
    }
    None
}
