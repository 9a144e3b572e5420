use std::io::Write as _;

use super::*;
use crate::settings::print;

/// Flags and variables as `NAME VALUE`.
fn given(
    flags: &[(&str, &str)],
    variables: &[(&str, &str)],
    file: &str,
) -> Result<Effective, String> {
    let mut config = tempfile::NamedTempFile::new().unwrap();
    config.write_all(file.as_bytes()).unwrap();
    let mut given = Given {
        config: Some(config.path().into()),
        ..Given::default()
    };
    for (name, value) in flags {
        given
            .flags
            .entry((*name).into())
            .or_default()
            .push((*value).into());
    }
    for (name, value) in variables {
        given.variables.push(((*name).into(), (*value).into()));
    }
    given.resolve().map_err(|error| error.to_string())
}

fn refused(flags: &[(&str, &str)], variables: &[(&str, &str)], file: &str) -> String {
    let refused = given(flags, variables, file).unwrap_err();
    assert!(!refused.contains('\n'), "one line: {refused}");
    refused
}

#[test]
fn a_flag_wins_over_a_variable_which_wins_over_the_file_which_wins_over_the_default() {
    let flags = [("max-rooms", "4")];
    let variables = [
        ("PARLOUR_MAX_ROOMS", "3"),
        ("PARLOUR_MAX_TICKETS", "30"),
        ("HOME", "/"),
    ];
    let file = "max-rooms = 2\nmax-tickets = 20\nmessage-burst = 200\n";
    let effective = given(&flags, &variables, file).unwrap();
    let settings = effective.settings();
    assert_eq!(settings.limits.rooms_max, 4);
    assert_eq!(settings.door_limits.tickets_max, 30);
    assert_eq!(settings.limits.message_burst, 200);
    assert_eq!(settings.limits.messages_per_second, 100);
    assert_eq!(effective.source("max-rooms"), &Source::Flag);
    assert_eq!(effective.source("max-tickets"), &Source::Variable);
    assert!(matches!(
        effective.source("message-burst"),
        Source::File { line: 3, .. }
    ));
    assert_eq!(effective.source("messages-per-second"), &Source::Default);
}

#[test]
fn a_list_replaces_the_list_that_it_overrides() {
    let file = "door = [\"echo\"]\n";
    let doors = |effective: Effective| effective.settings.doors.len();
    assert_eq!(doors(given(&[], &[], file).unwrap()), 1);
    assert_eq!(doors(given(&[], &[("PARLOUR_DOOR", "")], file).unwrap()), 0);
    let both = [(
        "PARLOUR_ALLOW_ORIGIN",
        "https://a.example, https://b.example",
    )];
    assert_eq!(
        given(&[], &both, "")
            .unwrap()
            .settings
            .origins
            .allowed
            .len(),
        2
    );
    let again = [
        ("trusted-proxy", "10.0.0.1"),
        ("trusted-proxy", "10.1.0.0/16"),
    ];
    assert_eq!(
        given(&again, &[], "")
            .unwrap()
            .settings
            .trusted_proxies
            .len(),
        2
    );
}

#[test]
fn a_proxy_of_ipv4_may_be_written_as_ipv6() {
    for (typed, holds) in [
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::/64", "::/64"),
    ] {
        let effective = given(&[("trusted-proxy", typed)], &[], "").unwrap();
        let [network] = effective.settings.trusted_proxies[..] else {
            panic!("{typed} is one network");
        };
        assert_eq!(network.to_string(), holds);
    }
    let told = refused(&[("trusted-proxy", "::ffff:0:0/96")], &[], "");
    assert!(told.contains("the proxy's own address"), "{told}");
}

#[test]
fn the_file_may_be_named_by_a_variable_and_the_flag_wins() {
    let file = |text: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    };
    let (one, two) = (file("max-rooms = 1"), file("max-rooms = 2"));
    let mut given = Given {
        variables: vec![("PARLOUR_CONFIG".into(), one.path().into())],
        ..Given::default()
    };
    assert_eq!(given.resolve().unwrap().settings.limits.rooms_max, 1);
    given.config = Some(two.path().into());
    assert_eq!(given.resolve().unwrap().settings.limits.rooms_max, 2);
    given.config = Some("/nowhere/parlour.toml".into());
    let refused = given.resolve().unwrap_err().to_string();
    assert!(
        refused.contains("/nowhere/parlour.toml") && refused.contains("--config"),
        "{refused}"
    );
}

#[test]
fn a_mistake_is_told_where_it_was_made() {
    for (flags, variables, file, words) in [
        (
            &[("max-rooms", "many")][..],
            &[][..],
            "",
            ["--max-rooms: `many`", "1 to "],
        ),
        (
            &[("ping-interval", "0")],
            &[],
            "",
            ["--ping-interval: 0s is out of range", "100ms to 1h"],
        ),
        (
            &[("pong-timeout", "0")],
            &[],
            "",
            ["--pong-timeout: 0s is out of range", "100ms to 1h"],
        ),
        (
            &[("guests", "all")],
            &[],
            "",
            ["--guests: `all` is none of", "everybody"],
        ),
        (
            &[("door", "front")],
            &[],
            "",
            ["`front` is no door", "echo"],
        ),
        (
            &[("trusted-proxy", "proxy")],
            &[],
            "",
            ["`proxy` is no network", "10.0.0.0/8"],
        ),
        (
            &[("allow-origin", "a.example")],
            &[],
            "",
            ["--allow-origin: `a.example`", "https://"],
        ),
        (
            &[("allow-origin", "https://*.example")],
            &[],
            "",
            ["--allow-origin:", "pattern"],
        ),
        (
            &[("insecure", "yes")],
            &[],
            "",
            ["`yes` is neither true nor false", ""],
        ),
        (&[("data", "")], &[], "", ["--data: ", "path"]),
        (
            &[("log", "inof")],
            &[],
            "",
            ["--log: `inof` is no level", "info"],
        ),
        (
            &[],
            &[],
            "\nlog = \"parlour=inof\"",
            [":2: log: `parlour=inof`", "parlour=debug,info"],
        ),
        (
            &[],
            &[("PARLOUR_MAX_ROOMS", "-1")],
            "",
            ["PARLOUR_MAX_ROOMS: `-1`", "1 to "],
        ),
        (
            &[],
            &[("PARLOUR_MAX_ROOM", "1")],
            "",
            ["PARLOUR_MAX_ROOM is no", "`PARLOUR_MAX_ROOMS`"],
        ),
        (
            &[],
            &[("PARLOUR_COLOUR", "1")],
            "",
            ["PARLOUR_COLOUR is no", "unset it"],
        ),
        (
            &[],
            &[],
            "\nmax-rooms = 0",
            [":2: max-rooms: 0 is out of range", "1 to "],
        ),
    ] {
        let told = refused(flags, variables, file);
        assert!(words.iter().all(|words| told.contains(words)), "{told}");
    }
    let usage = Given {
        flags: [("max-rooms".to_owned(), vec!["0".to_owned()])].into(),
        ..Given::default()
    };
    assert!(usage.resolve().unwrap_err().is_usage());
}

#[test]
fn the_addresses_of_a_service_in_kubernetes_are_no_settings() {
    for (name, value) in [
        ("PARLOUR_PORT", "tcp://10.0.0.1:8080"),
        ("PARLOUR_SERVICE_HOST", "10.0.0.1"),
        ("PARLOUR_SERVICE_PORT", "8080"),
        ("PARLOUR_SERVICE_PORT_HTTP", "8080"),
        ("PARLOUR_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("PARLOUR_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("PARLOUR_PORT_8080_UDP_PROTO", "udp"),
        ("PARLOUR_WEB_PORT", "udp://10.0.0.1:8080"),
        ("PARLOUR_WEB_SERVICE_HOST", "10.0.0.1"),
        ("PARLOUR_WEB_SERVICE_PORT", "8080"),
        ("PARLOUR_WEB_PORT_8080_TCP_PORT", "8080"),
    ] {
        given(&[], &[(name, value)], "").unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_variable_of_other_servers_is_told_the_one_of_this() {
    for name in ["PARLOUR_PORT", "PARLOUR_HOST", "PARLOUR_BIND"] {
        let told = refused(&[], &[(name, "9000")], "");
        assert!(told.contains("did you mean `PARLOUR_ADDR`?"), "{told}");
    }
    for name in [
        "PARLOUR_PORT_8080",
        "PARLOUR_WEB_PORT",
        "PARLOUR_PORT_X_TCP",
    ] {
        let told = refused(&[], &[(name, "9000")], "");
        assert!(told.contains(name), "{told}");
    }
    let told = refused(&[], &[], "port = 9000");
    assert!(told.contains("did you mean `addr`?"), "{told}");
}

#[test]
fn what_is_no_unicode_is_refused_and_not_passed_over() {
    use std::os::unix::ffi::OsStringExt;
    let odd = OsString::from_vec(b"/srv/\xff".into());
    let given = |name: &str| Given {
        variables: vec![(name.into(), odd.clone())],
        ..Given::default()
    };
    let told = given("PARLOUR_DATA").resolve().unwrap_err().to_string();
    assert!(
        told.contains("PARLOUR_DATA") && told.contains("UTF-8"),
        "{told}"
    );
    given("HOME").resolve().unwrap();
    let told = given("PARLOUR_CONFIG").resolve().unwrap_err();
    assert!(
        matches!(told, SettingsError::File { .. }),
        "a path may be anything: {told}"
    );
}

#[test]
fn the_data_directory_is_found_without_a_look_at_anything_else() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"addr = \"0.0.0.0:1\"\ndata = \"there\"\n")
        .unwrap();
    let mut given = Given {
        config: Some(file.path().into()),
        ..Given::default()
    };
    assert_eq!(given.data().unwrap(), Path::new("there"));
    given.variables = vec![("PARLOUR_DATA".into(), "elsewhere".into())];
    assert_eq!(given.data().unwrap(), Path::new("elsewhere"));
    given.config = None;
    given.variables = vec![("PARLOUR_CONFIG".into(), file.path().into())];
    assert_eq!(given.data().unwrap(), Path::new("there"));
    given.variables.clear();
    assert_eq!(given.data().unwrap(), Path::new("parlour-data"));
}

#[test]
fn what_makes_no_sense_together_is_refused_with_the_fix() {
    let public = ("addr", "0.0.0.0:8080");
    for (flags, words) in [
        (&[("tls-cert", "c")][..], "--tls-key FILE"),
        (&[("tls-key", "k")], "--tls-cert FILE"),
        (
            &[("tls", "self-signed"), ("tls-cert", "c"), ("tls-key", "k")],
            "leave out one",
        ),
        (
            &[("tls", "off"), ("tls-cert", "c"), ("tls-key", "k")],
            "leave out one",
        ),
        (&[("insecure", "true")], "leave it out"),
        (
            &[("insecure", "true"), ("tls", "self-signed"), public],
            "leave out --insecure",
        ),
        (&[public], "--insecure"),
        (&[public], "--tls-cert FILE --tls-key FILE"),
        (&[("addr", "[::]:80")], "--insecure"),
        (
            &[public, ("insecure", "true"), ("door", "publish")],
            "--publish-token-file FILE",
        ),
        (
            &[("door", "debug"), ("operator-token-file", "t")],
            "leave out one",
        ),
        (&[("publish-token-file", "t")], "--door publish"),
        (&[("trusted-proxy", "0.0.0.0/0")], "the proxy's own address"),
        (
            &[("messages-per-second", "0"), ("message-burst", "5")],
            "leave it out",
        ),
        (
            &[("room-log-bytes", "2MiB"), ("total-log-bytes", "1MiB")],
            "--total-log-bytes",
        ),
        (
            &[
                ("max-connections", "5"),
                ("max-connections-per-address", "6"),
            ],
            "make it smaller",
        ),
        (
            &[
                ("max-connections", "5"),
                ("max-connections-per-loopback-address", "6"),
            ],
            "make it smaller",
        ),
        (
            &[("max-rooms", "5"), ("max-rooms-per-connection", "6")],
            "make it smaller",
        ),
        (
            &[("max-sessions", "5"), ("max-sessions-per-user", "6")],
            "make it smaller",
        ),
        (
            &[("shutdown-timeout", "5s"), ("close-timeout", "6s")],
            "make it smaller",
        ),
    ] {
        let told = refused(flags, &[], "");
        assert!(told.contains(words), "{flags:?}: {told}");
    }
    for flags in [
        &[public, ("insecure", "true")][..],
        &[public, ("tls", "self-signed")],
        &[public, ("tls-cert", "c"), ("tls-key", "k")],
        &[("addr", "[::ffff:127.0.0.1]:80")],
        &[("max-connections", "5")],
        &[
            ("max-connections", "0"),
            ("max-connections-per-address", "6"),
        ],
        &[("messages-per-second", "0")],
        &[("door", "publish"), ("publish-token-file", "t")],
        &[("shutdown-timeout", "1s")],
    ] {
        given(flags, &[], "").unwrap_or_else(|error| panic!("{flags:?}: {error}"));
    }
}

/// Nobody shall lose TLS, or believe to have lost it, by a line that he does not see.
#[test]
fn no_tls_and_a_certificate_are_refused_wherever_each_is_given() {
    let file = "tls-cert = \"c\"\ntls-key = \"k\"\n";
    let told = refused(&[("tls", "off")], &[], file);
    for words in ["--tls off", ":1: tls-cert", "leave out one"] {
        assert!(told.contains(words), "{told}");
    }
    let told = refused(&[], &[("PARLOUR_TLS", "off")], file);
    assert!(told.contains("PARLOUR_TLS off"), "{told}");
    let certificate = given(&[], &[], file).unwrap();
    assert!(certificate.settings.is_tls());
    let printed = print(&certificate);
    assert!(printed.contains("# tls is not set\n"), "{printed}");
    assert!(given(&[], &[], &printed).unwrap().settings.is_tls());
}

#[test]
fn what_is_printed_is_a_file_that_makes_the_same_hold() {
    let flags = [
        ("max-rooms", "4"),
        ("max-connections", "0"),
        ("door", "echo"),
        ("data", "a \"quoted\" place"),
        ("max-message-bytes", "513"),
    ];
    let variables = [
        ("PARLOUR_PING_INTERVAL", "1.5"),
        ("PARLOUR_TRUSTED_PROXY", "10.0.0.1,::1"),
    ];
    let first = given(&flags, &variables, "insecure = false").unwrap();
    let printed = print(&first);
    let second = given(&[], &[], &printed).unwrap();
    assert_eq!(
        format!("{:?}", second.settings),
        format!("{:?}", first.settings),
        "{printed}"
    );
    for line in [
        "max-rooms = 4 # --max-rooms",
        "max-connections = 0 # --max-connections",
        "ping-interval = \"1500ms\" # PARLOUR_PING_INTERVAL",
        "trusted-proxy = [\"10.0.0.1/32\", \"::1/128\"] # PARLOUR_TRUSTED_PROXY",
        "max-message-bytes = 513 # --max-message-bytes",
        "message-burst = 500 # default",
        "# tls-cert is not set",
    ] {
        assert!(
            printed.lines().any(|it| it == line),
            "{line} is not in:\n{printed}"
        );
    }
    assert!(
        printed
            .lines()
            .any(|line| line.starts_with("insecure = false # /") && line.ends_with(":1"))
    );
}
