//! Which offer is accepted: RFC 7692, 5 and 7.1.

use parlour_ws::deflate::{Window, negotiate};
use parlour_ws::handshake::check;

const PLAIN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// What is answered to these `Sec-WebSocket-Extensions` headers.
fn answer(lines: &[&str]) -> Option<String> {
    let good = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let offers = lines.iter().map(|line| ("Sec-WebSocket-Extensions", *line));
    let headers = good.into_iter().chain(offers);
    let upgrade = check("GET", headers.map(|(name, value)| (name, value.as_bytes()))).unwrap();
    negotiate(upgrade.extensions).map(|agreed| agreed.answer().to_owned())
}

fn with_bits(bits: u8) -> Option<String> {
    Some(format!("{PLAIN}; server_max_window_bits={bits}"))
}

#[test]
fn both_sides_go_without_context_takeover_whether_asked_or_not_rfc_7692_7_1_1() {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits", // Chromium, Firefox and Safari
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate ;\tclient_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits=8; client_no_context_takeover",
    ] {
        assert_eq!(answer(&[offer]).as_deref(), Some(PLAIN), "{offer}");
    }
}

#[test]
fn the_servers_window_is_answered_only_where_it_was_offered_and_never_larger_rfc_7692_7_1_2_1() {
    let offer = |bits| {
        answer(&[&format!(
            "permessage-deflate; server_max_window_bits={bits}"
        )])
    };
    assert_eq!(offer(15), with_bits(15));
    for bits in 9..15 {
        assert_eq!(offer(bits), with_bits(9), "{bits}");
    }
    assert_eq!(offer(8), None, "zlib cannot");
    let window = |offer| negotiate([offer]).unwrap().window;
    assert_eq!(window("permessage-deflate"), Window::Full);
    let small = "permessage-deflate; server_max_window_bits=9";
    assert_eq!(window(small), Window::Small);
    assert_eq!(Window::ALL.map(Window::bits), [15, 9]);
}

#[test]
fn a_value_may_be_quoted_rfc_6455_9_1() {
    for value in ["\"10\"", "\"1\\0\"", " 10", "\"\\1\\0\" "] {
        let offer = format!("permessage-deflate; server_max_window_bits={value}");
        assert_eq!(answer(&[&offer]), with_bits(9), "{offer}");
    }
}

#[test]
fn an_offer_with_a_parameter_that_must_not_be_is_declined_rfc_7692_7_1() {
    for parameters in [
        "; x",
        "; x=1",
        ";",
        "; ;server_no_context_takeover",
        "; =9",
        "; Server_no_context_takeover",
        "; server_no_context_takeover=1",
        "; client_no_context_takeover=true",
        "; client_no_context_takeover=",
        "; server_max_window_bits",
        "; server_max_window_bits=",
        "; server_max_window_bits=7",
        "; server_max_window_bits=16",
        "; server_max_window_bits=015",
        "; server_max_window_bits=+9",
        "; server_max_window_bits=1 0",
        "; server_max_window_bits=\"10",
        "; server_max_window_bits=10\"",
        "; server_max_window_bits=\"10\\\"",
        "; server_max_window_bits=10=10",
        "; client_max_window_bits=",
        "; client_max_window_bits=7",
        "; client_max_window_bits=16",
        "; client_max_window_bits=x",
        "; server_no_context_takeover; server_no_context_takeover",
        "; client_no_context_takeover; client_no_context_takeover",
        "; server_max_window_bits=10; server_max_window_bits=10",
        "; client_max_window_bits; client_max_window_bits=10",
    ] {
        let offer = format!("permessage-deflate{parameters}");
        assert_eq!(answer(&[&offer]), None, "{offer}");
    }
}

#[test]
fn other_extensions_are_passed_over() {
    assert_eq!(answer(&[]), None);
    for offer in [
        "x-webkit-deflate-frame",
        "permessage-bzip2; server_no_context_takeover",
        "permessage-deflate-2",
        "permessage",
        "\"permessage-deflate\"",
        "x; permessage-deflate",
    ] {
        assert_eq!(answer(&[offer]), None, "{offer}");
    }
    let offer = "x; a=\"permessage-deflate; y, \", permessage-deflate";
    assert_eq!(answer(&[offer]).as_deref(), Some(PLAIN));
}

#[test]
fn the_first_acceptable_offer_is_taken_over_all_headers_rfc_7692_5() {
    let one_header = "permessage-deflate; x, permessage-deflate; server_max_window_bits=8, \
        permessage-deflate; server_max_window_bits=12, permessage-deflate";
    assert_eq!(answer(&[one_header]), with_bits(9));
    let bad = "permessage-deflate; client_max_window_bits=99";
    let good = "permessage-deflate; server_max_window_bits=15";
    assert_eq!(answer(&[bad, good, "permessage-deflate"]), with_bits(15));
    assert_eq!(
        answer(&["x", bad, "permessage-deflate", good]).as_deref(),
        Some(PLAIN)
    );
    assert_eq!(answer(&[bad, bad]), None);
}
