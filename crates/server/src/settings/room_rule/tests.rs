use super::*;
use crate::settings::Given;
use parlour::RoomName;

fn parsed(typed: &str) -> RoomRule {
    RoomRule::parse(typed).unwrap()
}

#[test]
fn a_rule_is_read_and_written() {
    let rule = parsed("logs-*=durable,keep=5,keep-bytes=1GiB,keep-age=30d");
    assert_eq!(rule.pattern, "logs-*");
    assert!(rule.kind.is_durable);
    let keep = Keep {
        entries: Some(5),
        bytes: Some(1 << 30),
        age: Some(Duration::from_secs(30 * 86_400)),
    };
    assert_eq!(rule.kind.keep, keep);
    for typed in [
        "*=durable",
        "*=durable,keep=100000,keep-bytes=64MiB",
        "game-*=volatile,keep-age=5m",
        "a=b,c=durable",
        "a=durable,x=volatile",
        "a=volatile=durable,keep=1",
    ] {
        assert_eq!(parsed(typed).show(), typed);
    }
    assert_eq!(parsed("a=durable,x=volatile").pattern, "a=durable,x");
    assert_eq!(
        RoomRule::usual().show(),
        "*=durable,keep=100000,keep-bytes=64MiB"
    );
}

#[test]
fn a_mistake_is_told_with_its_fix() {
    for (typed, words) in [
        ("", "PATTERN=durable"),
        ("den", "'den=durable,keep=100000'"),
        ("den=kept", "'den=durable,keep=100000'"),
        ("den=durables", "durable nor volatile"),
        ("=durable", "'*=durable'"),
        ("$all=durable", "leave the rule out"),
        ("*=durable,", "use keep=N"),
        (
            "*=durable,age=5d",
            "use keep=N, keep-bytes=SIZE or keep-age=TIME",
        ),
        ("*=durable,keep", "keep=100000"),
        ("*=durable,keep=0", "leave keep out"),
        ("*=durable,keep=-1", "whole number"),
        ("*=durable,keep=1,keep=2", "twice"),
        ("*=durable,keep-bytes=64MB", "64KiB"),
        ("*=durable,keep-bytes=1", "1KiB"),
        ("*=durable,keep-age=0", "1s to 3650d"),
        ("*=durable,keep-age=soon", "10m"),
    ] {
        let told = RoomRule::parse(typed).unwrap_err();
        assert!(
            told.contains(words) && !told.contains('\n'),
            "{typed}: {told}"
        );
    }
    assert!(RoomRule::parse(&format!("{}=durable", "x".repeat(257))).is_err());
}

#[test]
fn rooms_that_no_rule_names_are_as_usual() {
    let of = |rules: &[&str], name: &str| {
        let rules: Vec<_> = rules.iter().map(|rule| parsed(rule)).collect();
        kinds(&rules).of(&RoomName::new(name).unwrap())
    };
    assert_eq!(of(&[], "den"), RoomRule::usual().kind);
    assert_eq!(of(&["game-*=volatile"], "den"), RoomRule::usual().kind);
    assert!(!of(&["game-*=volatile"], "game-1").is_durable);
    assert!(!of(&["*=volatile"], "den").is_durable);
    let first = ["d*=volatile", "*=durable"];
    assert!(!of(&first, "den").is_durable && of(&first, "hall").is_durable);
    assert!(!kinds(&[parsed("**=volatile")]).any_durable());
}

/// The rules that hold when these are given, or the line that is told.
fn given(flags: &[&str], variable: Option<&str>, file: &str) -> Result<Vec<String>, String> {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), file).unwrap();
    let mut given = Given {
        config: Some(config.path().into()),
        ..Given::default()
    };
    let variable = variable.map(|value| ("PARLOUR_ROOMS".into(), value.into()));
    given.variables.extend(variable);
    if !flags.is_empty() {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        given.flags.insert("rooms".into(), flags);
    }
    let effective = given.resolve().map_err(|error| error.to_string())?;
    Ok(effective.settings().rooms.iter().map(Item::show).collect())
}

#[test]
fn rules_are_given_by_flags_a_variable_and_a_list_in_a_file() {
    let rules = ["game-*=volatile", "*=durable,keep=5,keep-age=1d"];
    let held = |given: Result<Vec<String>, String>| given.unwrap();
    assert_eq!(held(given(&rules, None, "")), rules);
    assert_eq!(held(given(&[], Some(&rules.join("; ")), "")), rules);
    let file = "rooms = [\n  \"game-*=volatile\",\n  \"*=durable,keep=5,keep-age=1d\",\n]\n";
    assert_eq!(held(given(&[], None, file)), rules);
    assert_eq!(
        held(given(&[], None, "")),
        ["*=durable,keep=100000,keep-bytes=64MiB"]
    );
    assert_eq!(held(given(&rules[..1], None, file)), rules[..1]);
}

#[test]
fn rules_that_do_nothing_are_told_with_their_place() {
    let file = "\nrooms = [\"*=durable\", \"den=volatile\"]\n";
    let told = given(&[], None, file).unwrap_err();
    assert!(
        told.contains(":2: rooms: `den=volatile` is never reached"),
        "{told}"
    );
    let told = given(&["game-*=volatile,keep=1001"], None, "").unwrap_err();
    assert!(
        told.contains("--rooms: `game-*=volatile,keep=1001`")
            && told.contains("--room-log-entries"),
        "{told}"
    );
    let told = given(&[], Some("den=volatile,keep-bytes=2MiB"), "").unwrap_err();
    assert!(
        told.contains("PARLOUR_ROOMS") && told.contains("--room-log-bytes"),
        "{told}"
    );
    given(&["game-*=volatile,keep=1000,keep-bytes=1MiB"], None, "").unwrap();
    let told = given(&["den"], None, "").unwrap_err();
    assert!(told.starts_with("--rooms: `den` says neither"), "{told}");
}
