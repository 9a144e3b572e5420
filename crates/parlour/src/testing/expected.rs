//! What a test expects of a text.

use std::fmt;

use serde_json::Value;

/// A text, or the part of a JSON object that counts.
pub(super) enum Expected<'a> {
    Text(&'a str),
    Fields(Value),
}

impl<'a> Expected<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        match serde_json::from_str(text) {
            Ok(fields @ Value::Object(_)) => Self::Fields(fields),
            _ => Self::Text(text),
        }
    }

    pub(super) fn is_met_by(&self, text: &str) -> bool {
        match self {
            Self::Text(expected) => *expected == text,
            Self::Fields(expected) => {
                serde_json::from_str(text).is_ok_and(|value: Value| contains(&value, expected))
            }
        }
    }
}

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Fields(fields) => write!(f, "{fields}"),
        }
    }
}

/// Whether `value` has everything that `part` has.
fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| value.get(name).is_some_and(|value| contains(value, part))),
        (Value::Array(values), Value::Array(parts)) => {
            values.len() == parts.len()
                && values
                    .iter()
                    .zip(parts)
                    .all(|(value, part)| contains(value, part))
        }
        _ => value == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_asks_for_its_fields_and_everything_else_for_the_text() {
        for (expected, text, is_met) in [
            ("hello", "hello", true),
            ("hello", "hello ", false),
            ("[1]", "[1]", true),
            (r#"{"a":1}"#, r#"{ "b": 2, "a": 1 }"#, true),
            (r#"{"a":1}"#, r#"{"a":2}"#, false),
            (r#"{"a":null}"#, r#"{}"#, false),
            (
                r#"{"a":{"b":[{"c":1}]}}"#,
                r#"{"a":{"b":[{"c":1,"d":2}],"e":3}}"#,
                true,
            ),
            (r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, false),
            (r#"{"a":1}"#, "no JSON", false),
        ] {
            assert_eq!(
                Expected::of(expected).is_met_by(text),
                is_met,
                "{expected} {text}"
            );
        }
    }
}
