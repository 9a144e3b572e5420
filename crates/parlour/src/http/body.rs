//! The body of a POST: whole, in time, and JSON.

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;

use super::api::ApiError;
use crate::doors::DoorLimits;

/// Types that a form of a foreign page can send are refused; what is taken is read as JSON.
pub(super) fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    const TAKEN: [&[u8]; 2] = [b"application/json", b"text/plain"];
    let is_taken = |value: &[u8]| {
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        let essence = essence.trim_ascii();
        TAKEN
            .iter()
            .any(|taken| essence.eq_ignore_ascii_case(taken))
    };
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    if types.all(|value| is_taken(value.as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::MediaType)
    }
}

/// Reads a body of at most `bytes_max`, in the time that `limits` give.
pub(super) async fn read(
    body: Body,
    bytes_max: usize,
    limits: &DoorLimits,
) -> Result<Bytes, ApiError> {
    let body = Limited::new(body, bytes_max).collect();
    let collected = tokio::time::timeout(limits.body_time, body)
        .await
        .map_err(|_| ApiError::TooSlow)?;
    let collected = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            ApiError::TooLarge(bytes_max)
        } else {
            ApiError::BrokenOff
        }
    })?;
    Ok(collected.to_bytes())
}

/// Reads a JSON object; `shape` shows the client one. Unknown fields are ignored, and the reason
/// of a refusal holds nothing of the body, in which a password may stand.
pub(super) fn parse<'de, T>(body: &'de [u8], shape: &'static str) -> Result<T, ApiError>
where
    T: Deserialize<'de>,
{
    let bad = |reason| ApiError::BadJson { shape, reason };
    // serde would take an array of the fields, too.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(bad("it is no object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "a field is missing or has the wrong type",
            _ => "it is not well-formed",
        };
        let (line, column) = (error.line(), error.column());
        bad(format!("{what} (line {line}, column {column})"))
    })
}
