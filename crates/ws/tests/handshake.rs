//! The opening handshake: RFC 6455, 4.2.

use parlour_ws::handshake::{HandshakeError, Upgrade, accept_key, check};

type Header<'a> = (&'a str, &'a str);

const GOOD: [Header<'_>; 5] = [
    ("Host", "server.example.com"),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

fn get<'a>(headers: &[Header<'a>]) -> Result<Upgrade<'a>, HandshakeError> {
    request("GET", headers)
}

fn request<'a>(method: &str, headers: &[Header<'a>]) -> Result<Upgrade<'a>, HandshakeError> {
    check(
        method,
        headers
            .iter()
            .map(|&(name, value)| (name, value.as_bytes())),
    )
}

/// The good request without one header, and with others instead.
fn with<'a>(without: &str, instead: &[Header<'a>]) -> Vec<Header<'a>> {
    let kept = GOOD.into_iter().filter(|(name, _)| *name != without);
    kept.chain(instead.iter().copied()).collect()
}

fn refusal(headers: &[Header<'_>]) -> (u16, HandshakeError) {
    let error = get(headers).expect_err("a refusal");
    (error.status(), error)
}

#[test]
fn the_example_of_rfc_6455_1_3_is_accepted() {
    let upgrade = get(&GOOD).unwrap();
    assert_eq!(upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(upgrade.protocols.is_empty() && upgrade.extensions.is_empty());
}

#[test]
fn the_example_of_rfc_6455_4_2_2_gives_its_accept_value() {
    assert_eq!(
        accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
}

#[test]
fn names_and_tokens_have_no_case_and_stand_in_lists_rfc_6455_4_2_1() {
    let headers = [
        ("CONNECTION", "keep-alive ,\tUPGRADE"),
        ("upgrade", "h2c"),
        ("upgrade", "WebSocket, foo"),
        ("sec-websocket-version", " 13 "),
        ("sec-websocket-key", "\tdGhlIHNhbXBsZSBub25jZQ== "),
    ];
    assert_eq!(
        get(&headers).unwrap().accept,
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
}

#[test]
fn the_tokens_must_be_whole_words() {
    let not_connection = with("Connection", &[("Connection", "upgrades, no-upgrade")]);
    assert_eq!(
        refusal(&not_connection).1,
        HandshakeError::ConnectionNotUpgrade
    );
    let not_upgrade = with("Upgrade", &[("Upgrade", "websocket2, \"websocket\"")]);
    assert_eq!(refusal(&not_upgrade).1, HandshakeError::NotWebSocket);
}

#[test]
fn a_plain_request_is_told_to_upgrade_426() {
    let plain = [("Host", "server.example.com")];
    assert_eq!(refusal(&plain), (426, HandshakeError::NotWebSocket));
    assert_eq!(request("HEAD", &plain), Err(HandshakeError::NotWebSocket));
    let only_connection = [("Connection", "upgrade")];
    assert_eq!(
        refusal(&only_connection),
        (426, HandshakeError::NotWebSocket)
    );
    let other_protocol = with("Upgrade", &[("Upgrade", "h2c")]);
    assert_eq!(
        refusal(&other_protocol),
        (426, HandshakeError::NotWebSocket)
    );
}

#[test]
fn connection_must_name_upgrade_400() {
    let expected = (400, HandshakeError::ConnectionNotUpgrade);
    assert_eq!(refusal(&with("Connection", &[])), expected);
    assert_eq!(
        refusal(&with("Connection", &[("Connection", "keep-alive")])),
        expected
    );
}

#[test]
fn the_method_must_be_get_405() {
    for method in ["POST", "PUT", "OPTIONS", "CONNECT", "get", ""] {
        assert_eq!(
            request(method, &GOOD),
            Err(HandshakeError::Method),
            "{method}"
        );
        assert_eq!(
            request(method, &[]),
            Err(HandshakeError::Method),
            "{method}, no headers"
        );
    }
    assert_eq!(request("HEAD", &GOOD), Err(HandshakeError::Method));
    assert_eq!(HandshakeError::Method.status(), 405);
}

#[test]
fn the_version_must_be_13_400() {
    let version = "Sec-WebSocket-Version";
    let wrong: [&[Header<'_>]; 6] = [
        &[],
        &[(version, "8")],
        &[(version, "")],
        &[(version, "013")],
        &[(version, "13, 8")],
        &[(version, "13"), (version, "13")],
    ];
    for lines in wrong {
        assert_eq!(
            refusal(&with(version, lines)),
            (400, HandshakeError::Version),
            "{lines:?}"
        );
    }
}

#[test]
fn the_key_must_be_there_once_400() {
    let name = "Sec-WebSocket-Key";
    let key = (name, "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(refusal(&with(name, &[])), (400, HandshakeError::KeyMissing));
    assert_eq!(
        refusal(&with(name, &[key, key])),
        (400, HandshakeError::KeyRepeated)
    );
}

#[test]
fn the_key_must_be_16_bytes_in_base64_400() {
    let name = "Sec-WebSocket-Key";
    let wrong = [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",           // no padding
        "dGhlIHNhbXBsZSBub25j",             // 15 bytes
        "dGhlIHNhbXBsZSBub25jZQA=",         // 17 bytes
        "dGhlIHNhbXBsZSBub25jZQAA",         // 18 bytes
        "dGhlIHNhbXBsZSBub25jZSBub25jZQ==", // 22 bytes
        "dGhlIHNhbXBsZSBub25j-Q==",         // not this alphabet
        "dGhlIHNhbXBs ZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZé==",
    ];
    for key in wrong {
        let expected = (400, HandshakeError::KeyMalformed);
        assert_eq!(refusal(&with(name, &[(name, key)])), expected, "{key:?}");
    }
    let stray_bits = with(name, &[(name, "dGhlIHNhbXBsZSBub25jZR==")]);
    assert_eq!(
        get(&stray_bits).unwrap().accept,
        accept_key("dGhlIHNhbXBsZSBub25jZR==")
    );
}

#[test]
fn subprotocols_keep_their_order_over_lines_rfc_6455_11_3_4() {
    let protocols = [
        ("Sec-WebSocket-Protocol", "parlour.v1,ticket.SECRET"),
        ("Host", "between"),
        ("sec-websocket-protocol", ", parlour.events ,"),
    ];
    let headers = with("", &protocols);
    let upgrade = get(&headers).unwrap();
    assert_eq!(
        upgrade.protocols,
        ["parlour.v1", "ticket.SECRET", "parlour.events"]
    );
}

#[test]
fn extension_offers_keep_their_order_and_their_quotes_rfc_6455_9_1() {
    let name = "Sec-WebSocket-Extensions";
    let offers = [
        (
            name,
            r#"permessage-deflate; client_max_window_bits, x; a="1, 2"; b="\", 3""#,
        ),
        (name, "permessage-deflate"),
    ];
    let headers = with("", &offers);
    assert_eq!(
        get(&headers).unwrap().extensions,
        [
            "permessage-deflate; client_max_window_bits",
            r#"x; a="1, 2"; b="\", 3""#,
            "permessage-deflate",
        ]
    );
}

#[test]
fn a_request_with_a_body_is_refused() {
    for body in [
        ("Transfer-Encoding", "chunked"),
        ("transfer-encoding", ""),
        ("Content-Length", "5"),
        ("content-length", "+0"),
        ("Content-Length", ""),
    ] {
        let headers = with("", &[body]);
        assert_eq!(refusal(&headers), (400, HandshakeError::Body), "{body:?}");
    }
    assert!(get(&with("", &[("Content-Length", "0")])).is_ok());
    let twice = with("", &[("Content-Length", "0"), ("Content-Length", "1")]);
    assert_eq!(refusal(&twice).1, HandshakeError::Body);
}

#[test]
fn a_quote_that_is_not_closed_ends_with_its_line() {
    let name = "Sec-WebSocket-Extensions";
    let headers = with("", &[(name, "a; b=\"1, 2"), (name, "c, d")]);
    assert_eq!(get(&headers).unwrap().extensions, ["a; b=\"1, 2", "c", "d"]);
}

#[test]
fn a_line_that_is_not_text_offers_nothing() {
    let not_text: (&str, &[u8]) = ("Sec-WebSocket-Protocol", b"chat\xff");
    let good = GOOD.iter().map(|&(name, value)| (name, value.as_bytes()));
    assert!(
        check("GET", good.chain([not_text]))
            .unwrap()
            .protocols
            .is_empty()
    );
}

#[test]
fn every_refusal_says_its_reason_in_words() {
    let errors = [
        (HandshakeError::Method, "GET"),
        (HandshakeError::NotWebSocket, "Upgrade: websocket"),
        (HandshakeError::ConnectionNotUpgrade, "Connection"),
        (HandshakeError::Body, "no body"),
        (HandshakeError::Version, "13"),
        (HandshakeError::KeyMissing, "no `Sec-WebSocket-Key`"),
        (HandshakeError::KeyRepeated, "more than one"),
        (HandshakeError::KeyMalformed, "16 bytes in base64"),
    ];
    for (error, word) in errors {
        assert!(error.to_string().contains(word), "{error}");
    }
}
