//! `parlour chat` before somebody who types.

use crate::screen::Screen;
use crate::support::Server;
use crate::{Run, words};

#[test]
fn what_comes_in_does_not_disturb_what_is_being_typed() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "den --as bob");
    let mut kim = Screen::start(words(&server, "chat den --as kim"));
    // The prompt stands before or behind it.
    kim.until("in den: ");
    bob.until_told("guest-kim came into den");
    kim.type_("half a");
    kim.until("half a");
    bob.say("look here");
    kim.until("guest-bob: look here");
    kim.until("den> half a");
    kim.type_(" line\r");
    assert_eq!(bob.line(), "guest-bob: look here");
    assert_eq!(bob.line(), "guest-kim: half a line");
    kim.until("guest-kim: half a line");
    kim.type_("/join hall\r");
    kim.until("hall> ");
    kim.type_("/dance\r");
    kim.until("!! there is no command /dance");
    kim.until("hall> ");
    kim.type_("\u{4}"); // Ctrl+D
    assert_eq!(kim.wait(), 0);
    bob.until_told("guest-kim went from den");
}

#[test]
fn the_line_before_comes_back_with_the_arrow_and_ctrl_c_leaves() {
    let server = Server::start();
    let mut bob = Run::chat(&server, "den --as bob");
    let mut kim = Screen::start(words(&server, "chat den --as kim"));
    bob.until_told("guest-kim came into den");
    kim.type_("again\r");
    kim.until("guest-kim: again");
    kim.type_("\u{1b}[A"); // up
    kim.until("again");
    kim.type_("\r");
    for _ in 0..2 {
        assert_eq!(bob.line(), "guest-kim: again");
    }
    kim.until("guest-kim: again");
    kim.type_("not said\u{3}"); // Ctrl+C
    assert_eq!(kim.wait(), 0);
    bob.until_told("guest-kim went from den");
}

/// The time of day five and a half hours east of Greenwich.
fn half_past_five_east() -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let minutes = now / 60 + 330;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

#[test]
fn each_message_has_its_local_time_and_names_are_in_colour() {
    let server = Server::start();
    let zone = ("TZ", "IST-5:30");
    let mut bob = Run::chat(&server, "den --as bob");
    let mut kim = Screen::with(
        words(&server, "chat den --as kim"),
        &[zone, ("NO_COLOR", "")],
    );
    let mut ann = Screen::with(
        words(&server, "chat den --as ann"),
        &[zone, ("NO_COLOR", "1")],
    );
    bob.until_told("guest-kim came into den");
    kim.until("guest-ann");
    loop {
        let before = half_past_five_east();
        bob.say("what is the time?");
        ann.until("guest-bob: what is the time?");
        kim.until("\u{1b}[0m: what is the time?");
        if before == half_past_five_east() {
            assert!(ann.seen().contains(&format!("{before} guest-bob: what")));
            assert!(kim.seen().contains(&format!("{before} \u{1b}[3")));
            break;
        }
    }
    assert!(!ann.seen().contains("mguest-bob"), "NO_COLOR is set");
    assert_eq!(
        bob.line(),
        "guest-bob: what is the time?",
        "a pipe has neither"
    );
}
