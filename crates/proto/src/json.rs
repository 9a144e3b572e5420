//! JSON that others can read, too: what every dialect of JSON needs.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::Refusal;

/// How deep arrays and objects of a payload may nest. Parsers give up at some depth, the strictest
/// common ones at 128, and a reader's parser must take the frame around the payload as well.
pub(crate) const DEPTH_MAX: usize = 64;

/// Whether text that is JSON is an object: serde would take an array of the fields, too.
pub(crate) fn is_object(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'{')
}

/// Why these bytes are no object: they are no JSON at all, or other JSON.
pub(crate) fn why_no_object(bytes: &[u8]) -> Refusal {
    if serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        Refusal::BadPayload
    } else {
        Refusal::BadJson
    }
}

/// The refusal for a frame that did not parse.
pub(crate) fn refusal(error: &serde_json::Error) -> Refusal {
    use serde_json::error::Category;
    match error.classify() {
        Category::Data => Refusal::BadPayload,
        Category::Syntax | Category::Eof | Category::Io => Refusal::BadJson,
    }
}

/// The text as one JSON string, escaped in one way whatever way the client chose.
pub(crate) fn string(text: &str) -> Bytes {
    let mut json = Vec::with_capacity(text.len() + 2);
    put(text, &mut json);
    json.into()
}

/// Writes the text as a JSON string.
pub(crate) fn put(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string is always JSON and a Vec always takes it");
}

/// Writes a number.
pub(crate) fn number(number: u64, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &number).expect("a number is always JSON and a Vec always takes it");
}

/// The payload if it is JSON, else `null`: one bad payload must not break the frame around it.
pub(crate) fn or_null(payload: &[u8]) -> &[u8] {
    match std::str::from_utf8(payload) {
        Ok(text) if check(text).is_ok() => payload,
        _ => b"null",
    }
}

/// The text of a payload that is one JSON string.
pub(crate) fn text(payload: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_slice(payload).ok().map(|Text(text)| text)
}

/// Checks that a payload is JSON that the parser of any reader takes: text is Unicode, numbers are
/// such as a double holds, and it nests no deeper than [`DEPTH_MAX`].
pub(crate) fn check(json: &str) -> Result<(), Refusal> {
    let mut parser = serde_json::Deserializer::from_str(json);
    let checked = Readable { depth: 0 }.deserialize(&mut parser);
    checked
        .and_then(|()| parser.end())
        .map_err(|_| Refusal::BadPayload)
}

/// Reads a value to its last corner and keeps nothing.
#[derive(Clone, Copy)]
struct Readable {
    depth: usize,
}

impl Readable {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEPTH_MAX {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Readable {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while fields.next_key_seed(inner)?.is_some() {
            fields.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_any_parser_reads_is_taken() {
        let deepest = format!("{}{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        for json in [
            "null",
            "-1.5e3",
            r#""h\u00e9""#,
            r#"{"a":[1,{"b":true}]}"#,
            &deepest,
        ] {
            assert_eq!(check(json), Ok(()), "{json}");
        }
    }

    #[test]
    fn what_some_parsers_give_up_at_is_refused() {
        let too_deep = format!("{}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1));
        let far_too_deep = "[".repeat(60_000);
        for json in [
            "",
            "nul",
            "1 2",
            "1e999",
            r#""\ud800""#,
            r#"{"\ud800":1}"#,
            &too_deep,
            &far_too_deep,
        ] {
            assert_eq!(check(json), Err(Refusal::BadPayload), "{json:.40}");
        }
    }
}
