//! `Authorization: Bearer …` (RFC 6750, 2.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// What a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearer<'a> {
    /// None; other schemes are somebody else's, e.g. a proxy's.
    None,
    Token(&'a str),
    /// More than one, or something that is no text.
    Malformed,
}

pub(super) fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) => return Bearer::None,
        (Some(line), None) => line,
        (Some(_), Some(_)) => return Bearer::Malformed,
    };
    let Ok(line) = line.to_str() else {
        return Bearer::Malformed;
    };
    let (scheme, token) = line.split_once(' ').unwrap_or((line, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        Bearer::Token(token.trim())
    } else {
        Bearer::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bearer_is_found_and_other_schemes_are_nobodys() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            match bearer(&headers) {
                Bearer::None => "none".to_owned(),
                Bearer::Token(token) => format!("token {token}"),
                Bearer::Malformed => "malformed".to_owned(),
            }
        };
        assert_eq!(of(&[]), "none");
        assert_eq!(of(&["Basic YTpi"]), "none");
        assert_eq!(of(&["Bearer abc"]), "token abc");
        assert_eq!(of(&["bearer  abc "]), "token abc");
        assert_eq!(of(&["Bearer"]), "token ");
        assert_eq!(of(&["Bearer a", "Bearer a"]), "malformed");
    }
}
