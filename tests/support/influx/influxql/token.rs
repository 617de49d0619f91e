//! The words of InfluxQL. Knows no grammar.

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As the server counts: lines and characters from 1.
    pub(super) place: Place,
}

/// A line and a character of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) character: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name without quotes, or a key word, as it is written.
    Word(String),
    /// `"…"` without its escapes: a name that is no key word.
    Name(String),
    /// `'…'` without its escapes.
    Text(String),
    /// Digits.
    Integer(String),
    /// Anything else.
    Symbol(&'static str),
    /// What is no word, with what the server calls it.
    Bad(String),
    /// After the last word.
    End,
}

/// Longer ones first, so that `::` is not taken for something else. The only regular expressions
/// that the fake knows are symbols.
const SYMBOLS: [&str; 16] =
    ["/.*/", r"/\r/", "::", ">=", "<=", "=~", "(", ")", ",", ".", ";", "*", "=", "<", "-", "+"];

impl Kind {
    /// What the server calls it in an error.
    pub(super) fn found(&self) -> &str {
        match self {
            Self::Word(text)
            | Self::Name(text)
            | Self::Text(text)
            | Self::Integer(text)
            | Self::Bad(text) => text,
            Self::Symbol(symbol) => symbol,
            Self::End => "EOF",
        }
    }

    /// Whether it is this key word, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(other) if other.eq_ignore_ascii_case(word))
    }
}

/// The words of a script; the last one is `End`.
pub(super) fn tokens(script: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut place = Place { line: 1, character: 1 };
    let mut rest = script;
    loop {
        let word = rest.trim_start();
        place = place.after(&rest[..rest.len() - word.len()]);
        let (kind, length) = first(word);
        let has_ended = kind == Kind::End;
        if has_ended && matches!(tokens.last(), Some(Token { kind: Kind::Word(_), .. })) {
            // The server has read one character too many by then.
            place.character += 1;
        }
        tokens.push(Token { kind, place });
        if has_ended {
            return tokens;
        }
        place = place.after(&word[..length]);
        rest = &word[length..];
    }
}

impl Place {
    fn after(self, text: &str) -> Self {
        match text.rsplit_once('\n') {
            Some((before, last)) => Self {
                line: self.line + 1 + before.matches('\n').count(),
                character: 1 + last.chars().count(),
            },
            None => Self { character: self.character + text.chars().count(), ..self },
        }
    }
}

/// The word with which a script begins, and its length.
fn first(script: &str) -> (Kind, usize) {
    let length_while = |is_part: fn(char) -> bool| {
        script.find(|character| !is_part(character)).unwrap_or(script.len())
    };
    let Some(character) = script.chars().next() else {
        return (Kind::End, 0);
    };
    match character {
        '"' | '\'' => quoted(script, character),
        '0'..='9' => {
            let length = length_while(|character| character.is_ascii_digit());
            (Kind::Integer(script[..length].to_owned()), length)
        }
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = length_while(|other| other.is_ascii_alphanumeric() || other == '_');
            (Kind::Word(script[..length].to_owned()), length)
        }
        other => match SYMBOLS.into_iter().find(|symbol| script.starts_with(symbol)) {
            Some(symbol) => (Kind::Symbol(symbol), symbol.len()),
            None => (Kind::Bad(other.to_string()), other.len_utf8()),
        },
    }
}

/// A name or a text, in quotes, on one line.
fn quoted(script: &str, quote: char) -> (Kind, usize) {
    let mut text = String::new();
    let mut characters = script.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\n' => return (Kind::Bad(text), at),
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped @ ('\\' | '"' | '\''))) => text.push(escaped),
                Some((_, other)) => return (Kind::Bad(format!("\\{other}")), script.len()),
                None => return (Kind::Bad(text), script.len()),
            },
            _ if character == quote && quote == '"' => return (Kind::Name(text), at + 1),
            _ if character == quote => return (Kind::Text(text), at + 1),
            _ => text.push(character),
        }
    }
    (Kind::Bad(text), script.len())
}
