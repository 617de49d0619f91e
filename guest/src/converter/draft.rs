//! Points that cannot be written, as text for people: as near to line protocol as can be, on one line.
//!
//! Does not know why they cannot be. What is no character of a line is written as Rust does, and bytes that
//! are not UTF-8 by their numbers:
//!
//! ```text
//! cpu,host=a\xff load=+Inf 1640995200000000000
//! ```

use super::value::Value;

/// Measurement and tags.
pub(super) fn series(measurement: &str, tags: &[(&str, &str)]) -> String {
    let mut text = escaped(measurement, &[',', ' ']);
    for (key, value) in tags {
        text += &format!(",{}={}", name(key), name(value));
    }
    text
}

/// The key of a field, or a key or value of a tag.
pub(super) fn name(name: &str) -> String {
    escaped(name, &[',', ' ', '='])
}

/// A value, as it would be written if it could be.
pub(super) fn value(value: &Value<'_>) -> String {
    let mut text = Vec::new();
    match value.push(&mut text) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.shown(),
    }
}

/// A point: its series, fields as `key=value`, and its time as it came.
pub(super) fn point(series: &str, fields: &str, time: &str) -> String {
    on_one_line(&format!("{series} {fields} {time}"))
}

/// Bytes that were to be a text.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    on_one_line(&text)
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if special.contains(&character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn on_one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{Value, point, series, text, value};

    #[test]
    fn a_draft_is_one_line() {
        let series = series("a b", &[("k=", "v,\n")]);
        let fields = format!("f={}", value(&Value::String("say \"hi\"\r\n".into())));
        let line = r#"a\ b,k\==v\,\n f="say \"hi\"\r\n" 5"#;
        assert_eq!(point(&series, &fields, "5"), line);
        assert_eq!(value(&Value::Float(f64::INFINITY)), "inf");
        assert_eq!(text(b"a\xffb\xe4\xb8\n"), r"a\xffb\xe4\xb8\n");
    }
}
