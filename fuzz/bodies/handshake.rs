//! A request's method and headers: an answer to everything, and the same one however the names are
//! written and wherever other headers stand.
//!
//! The first line is the method, every further line `name: value`.

use parlour_ws::deflate::negotiate;
use parlour_ws::handshake::{HandshakeError, Upgrade, check};

type Header<'a> = (&'a str, &'a [u8]);

pub(crate) fn run(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let method = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let headers: Vec<Header<'_>> = lines.filter_map(header).collect();
    let answer = check(method, headers.iter().copied());
    keeps_its_promises(method, &headers, &answer);

    let loud: Vec<String> = headers
        .iter()
        .map(|(name, _)| name.to_ascii_uppercase())
        .collect();
    let loud = loud
        .iter()
        .zip(&headers)
        .map(|(name, (_, value))| (&name[..], *value));
    assert_eq!(check(method, loud), answer, "names have no case");

    let among_others = headers
        .iter()
        .flat_map(|header| [*header, ("X-Other", b"upgrade")]);
    assert_eq!(
        check(method, among_others),
        answer,
        "other headers do not count"
    );
}

fn header(line: &[u8]) -> Option<Header<'_>> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((
        std::str::from_utf8(&line[..colon]).ok()?,
        &line[colon + 1..],
    ))
}

fn keeps_its_promises(
    method: &str,
    headers: &[Header<'_>],
    answer: &Result<Upgrade<'_>, HandshakeError>,
) {
    match answer {
        Ok(upgrade) => {
            assert_eq!(method, "GET");
            assert_eq!(upgrade.accept.len(), 28, "20 bytes in base64");
            agrees_on_one_offer(&upgrade.extensions);
            let given: usize = headers.iter().map(|(_, value)| value.len()).sum();
            let offers = upgrade.protocols.iter().chain(&upgrade.extensions);
            assert!(offers.clone().all(|offer| !offer.is_empty()));
            assert!(offers.map(|offer| offer.len()).sum::<usize>() <= given);
        }
        Err(error) => {
            assert!(matches!(error.status(), 400 | 405 | 426));
            assert!(!error.to_string().is_empty());
        }
    }
}

/// What is agreed on is what the first offer that would do alone gives.
fn agrees_on_one_offer(offers: &[&str]) {
    let agreed = negotiate(offers.iter().copied());
    let alone = offers.iter().find(|offer| negotiate([**offer]).is_some());
    assert_eq!(agreed, alone.and_then(|offer| negotiate([*offer])));
    if let (Some(agreed), Some(offer)) = (agreed, alone) {
        assert!(offer.starts_with("permessage-deflate"));
        assert!(
            agreed
                .answer()
                .starts_with("permessage-deflate; server_no_context_takeover")
        );
        let is_named = agreed.answer().contains("server_max_window_bits");
        assert_eq!(is_named, offer.contains("server_max_window_bits"));
    }
}
