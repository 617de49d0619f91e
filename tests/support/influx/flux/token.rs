//! The words of a Flux script. Knows no grammar.

use chrono::DateTime;

/// A word of the script and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) start: usize,
    /// The byte after its last.
    pub(super) end: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a key word.
    Name(String),
    /// A string literal, without its escapes.
    Text(String),
    /// A time literal.
    Time(i64),
    /// A whole number.
    Number(u64),
    /// Anything else.
    Symbol(&'static str),
    /// After the last word.
    End,
}

/// A fault of the script: bytes from where to where, and what is wrong with them.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
}

/// Longer ones first, so that `|>` is not taken for `|`.
const SYMBOLS: [&str; 12] = ["|>", "=>", "==", "!=", "(", ")", "[", "]", ":", ",", ".", "="];

/// The words of a script; the last one is `End`.
pub(super) fn tokens(script: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut start = 0;
    loop {
        start += script[start..].len() - script[start..].trim_start().len();
        let (kind, length) = first(&script[start..]).map_err(|message| Fault {
            start,
            end: script.len(),
            message,
        })?;
        let ended = kind == Kind::End;
        tokens.push(Token { kind, start, end: start + length });
        if ended {
            return Ok(tokens);
        }
        start += length;
    }
}

fn first(script: &str) -> Result<(Kind, usize), String> {
    let Some(character) = script.chars().next() else {
        return Ok((Kind::End, 0));
    };
    if character == '"' {
        return text(script);
    }
    if character.is_ascii_digit() {
        let is_of_time = |c: char| c.is_ascii_alphanumeric() || "-+:.".contains(c);
        let length = script.find(|c| !is_of_time(c)).unwrap_or(script.len());
        if let Ok(number) = script[..length].parse() {
            return Ok((Kind::Number(number), length));
        }
        let time = DateTime::parse_from_rfc3339(&script[..length]).ok();
        let nanoseconds = time.and_then(|time| time.timestamp_nanos_opt());
        let nanoseconds = nanoseconds.ok_or_else(|| format!("no time: {}", &script[..length]))?;
        return Ok((Kind::Time(nanoseconds), length));
    }
    if character.is_ascii_alphabetic() || character == '_' {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = script.find(|c| !is_of_name(c)).unwrap_or(script.len());
        return Ok((Kind::Name(script[..length].to_owned()), length));
    }
    let symbol = SYMBOLS.into_iter().find(|symbol| script.starts_with(symbol));
    let symbol = symbol.ok_or_else(|| format!("invalid character {character:?}"))?;
    Ok((Kind::Symbol(symbol), symbol.len()))
}

/// A string literal. `${` begins an expression in Flux, so an unescaped one is a fault here: no
/// name of a bucket or a tag may become code.
fn text(script: &str) -> Result<(Kind, usize), String> {
    let mut bytes = Vec::new();
    let mut rest = script.char_indices().skip(1);
    while let Some((at, character)) = rest.next() {
        match character {
            '"' => {
                let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
                return Ok((Kind::Text(text), at + 1));
            }
            '$' if script[at..].starts_with("${") => {
                return Err("an expression in a string".to_owned());
            }
            '\\' => {
                let (_, escape) = rest.next().ok_or("a string without its end")?;
                bytes.push(match escape {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    '"' => b'"',
                    '\\' => b'\\',
                    '$' => b'$',
                    'x' => {
                        let digits = script.get(at + 2..at + 4).unwrap_or_default();
                        rest.next();
                        rest.next();
                        u8::from_str_radix(digits, 16).map_err(|error| error.to_string())?
                    }
                    other => return Err(format!("invalid escape \\{other}")),
                });
            }
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err("a string without its end".to_owned())
}
