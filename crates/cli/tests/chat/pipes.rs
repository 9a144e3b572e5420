//! `parlour chat` in pipes: lines in are said, lines out are messages.

use crate::support::Server;
use crate::{Run, run, words};

#[test]
fn lines_in_are_said_and_lines_out_are_messages() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "den --as bob");
    let mut kim = Run::chat(&server, "den --as kim");
    kim.say("hi bob");
    for chat in [&mut kim, &mut bob] {
        assert_eq!(chat.line(), "guest-kim: hi bob");
    }
    bob.say("//slash and\ttab");
    bob.say("/me waves");
    for chat in [&mut kim, &mut bob] {
        assert_eq!(chat.line(), "guest-bob: /slash and tab");
        assert_eq!(chat.line(), "* guest-bob waves");
    }
    let end = kim.end();
    assert_eq!((end.status, end.out.len()), (0, 0));
}

#[test]
fn the_end_of_the_input_is_the_end_when_all_was_said_and_heard() {
    let server = Server::start();
    let input: String = (0..50).map(|n| format!("line {n}\n")).collect();
    let end = run(words(&server, "chat den --as kim"), &input);
    assert_eq!((end.status, end.out.len()), (0, 50), "{}", end.told);
    for (n, line) in end.out.iter().enumerate() {
        assert_eq!(*line, format!("guest-kim: line {n}"));
    }
    let nothing = run(words(&server, "chat den"), "");
    assert_eq!((nothing.status, nothing.out.len()), (0, 0));
}

#[test]
fn who_comes_and_goes_is_told_and_who_is_here() {
    let server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    let bob = Run::chat(&server, "den --as bob");
    kim.until_told("guest-bob came into den");
    kim.say("/who");
    kim.until_told("2 in den: guest-bob, guest-kim");
    assert_eq!(bob.end().status, 0);
    kim.until_told("guest-bob went from den");
    kim.say("/quit");
    assert_eq!(kim.wait().status, 0);
}

#[test]
fn rooms_are_joined_and_left_and_lines_go_where_one_went_last() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "hall --as bob");
    let mut kim = Run::chat(&server, "den --as kim");
    kim.say("/join hall");
    // Who comes and goes within a second is not told at all.
    bob.until_told("guest-kim came into hall");
    kim.say("in the hall");
    assert_eq!(bob.line(), "guest-kim: in the hall");
    assert_eq!(kim.line(), "guest-kim: in the hall");
    kim.say("/join den");
    kim.until_told("talking in den");
    bob.say("anybody here?");
    assert_eq!(kim.line(), "[hall] guest-bob: anybody here?");
    kim.say("/part hall");
    kim.until_told("left hall");
    bob.until_told("guest-kim went from hall");
    kim.say("alone");
    assert_eq!(kim.line(), "guest-kim: alone");
    assert_eq!(kim.end().status, 0);
}

#[test]
fn a_script_that_is_piped_in_is_done_in_order() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "hall --as bob");
    let script = "to den\n/join hall\nto hall\n/part\nto den again\n/nick cid\n//as cid\n";
    let end = run(words(&server, "chat den --as kim"), script);
    assert_eq!(end.status, 0, "{}", end.told);
    assert_eq!(bob.line(), "guest-kim: to hall");
    let den: Vec<_> = end
        .out
        .iter()
        .filter(|line| !line.contains("to hall"))
        .collect();
    let said: Vec<_> = den
        .iter()
        .map(|line| line.trim_start_matches("[den] "))
        .collect();
    assert_eq!(
        said,
        [
            "guest-kim: to den",
            "guest-kim: to den again",
            "guest-cid: /as cid"
        ]
    );
}

#[test]
fn another_name_is_told_to_both_sides() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "den --as bob");
    let mut kim = Run::chat(&server, "den --as kim");
    bob.until_told("guest-kim came into den");
    kim.say("/nick cid");
    kim.until_told("back: connected to");
    kim.say("it is me");
    assert_eq!(bob.line(), "guest-cid: it is me");
    kim.say(&format!("/nick {}", "x".repeat(65)));
    kim.until_told("still guest-cid: ");
}

#[test]
fn what_is_no_command_is_not_said_and_the_status_tells() {
    let server = Server::start();
    let end = run(words(&server, "chat den --as kim"), "/dance\nhello\n");
    assert_eq!(
        (end.status, &end.out[..]),
        (1, &["guest-kim: hello".to_owned()][..])
    );
    assert!(end.told.contains("no command /dance"), "{}", end.told);
}

#[test]
fn nothing_that_others_say_commands_a_terminal() {
    let server = Server::start();
    let mut kim = Run::chat(&server, "den --as kim");
    let mut attack = words(&server, "pub den --as bob");
    attack.arg("\u{1b}[2J\nguest-ann: forged");
    assert_eq!(run(attack, "").status, 0);
    assert_eq!(kim.line(), "guest-bob: \\u{1b}[2J ⏎ guest-ann: forged");
}
