//! What a text may be: D36.

use crate::double::Fault;
use crate::target::{Setup, Target, prove};
use crate::wire::{Bare, Outcome, require};

fn require_1007(mut client: Bare, what: &str) -> Outcome<()> {
    let code = client.close_code()?;
    require(code == 1007, || format!("{what}: 1007 is due, not {code}"))
}

/// D36 (RFC 6455, 8.1).
#[test]
fn d36_a_text_that_is_not_utf8_is_closed_1007_whole_or_in_parts() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let open = || way.open_bare(&format!("/ws?otp={}", way.guest("ann")?));
        for door in ["/plain", "/echo"] {
            let mut client = way.open_bare(door)?;
            client.send(0x81, b"h\xe9llo")?;
            require_1007(client, door)?;
        }
        for (what, bytes) in [
            ("no byte of UTF-8", &b"{\"type\":\"\xff\"}"[..]),
            ("an overlong form", b"{\"type\":\"\xc0\xaf\"}"),
            ("a surrogate", b"{\"type\":\"\xed\xa0\x80\"}"),
            ("a character cut off", b"{\"type\":\"\xe2\x82"),
        ] {
            let mut client = open()?;
            client.send(0x81, bytes)?;
            require_1007(client, what)?;
        }
        let mut client = open()?;
        client.send(0x01, b"{\"type\":\"\xe2")?;
        client.send(0x80, b"\x28\xa1\"}")?;
        require_1007(client, "a character broken between two frames")?;

        // The euro sign, divided between two frames, is good.
        let mut client = open()?;
        client.send(0x01, b"{\"type\":\"\xe2")?;
        client.send(0x80, b"\x82\xac\"}")?;
        let answer = client.next()?;
        require(answer.first == 0x81, || format!("{answer:?}"))?;
        target.require_alive()
    }
    prove(&Setup::default(), check, &[Fault::TakesInvalidText]);
}
