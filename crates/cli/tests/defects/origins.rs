//! Who may do what from where: D29, D31, D32, D34.

use serde_json::{Value, json};

use crate::double::Fault;
use crate::slow::count;
use crate::target::{ANN, Setup, Target, prove};
use crate::wire::{Outcome, PUBLISH_TOKEN, Request, TOKEN_FILE, require};

/// D29.
#[test]
fn d29_origins_are_a_setting_and_compared_by_scheme_host_and_port() {
    const SETUP: Setup = Setup {
        flags: &["--allow-origin", "https://chat.example:8443"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let own = way.origin();
        for (status, origin) in [
            (101, Some(own.as_str())),
            (101, Some("https://chat.example:8443")),
            (101, None),
            (403, Some("https://chat.example")),
            (403, Some("https://chat.example:8444")),
            (403, Some("http://chat.example:8443")),
            (403, Some("https://chat.example:8443.evil.example")),
            (403, Some("https://evil.example:8443")),
            (403, Some("null")),
        ] {
            let request = Request::upgrade(&format!("/ws?otp={}", way.guest("ann")?));
            let request = match origin {
                Some(origin) => request.header("Origin", origin),
                None => request,
            };
            let what = format!("Origin {origin:?}");
            way.ask(&request)?.expect(status, &what)?;
        }
        Ok(())
    }
    let faults = [
        Fault::OriginWithoutPort,
        Fault::OriginWithoutScheme,
        Fault::NullOriginAllowed,
    ];
    prove(&SETUP, check, &faults);
}

/// D29.
#[test]
fn d29_who_sends_no_origin_can_be_refused_by_a_setting() {
    const SETUP: Setup = Setup {
        flags: &["--require-origin"],
        users: &[],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let ticket = Request::post("/ticket", r#"{"name":"ann"}"#).header("Origin", &way.origin());
        let ticket = way.ask(&ticket)?.expect(200, "a ticket")?.field("otp")?;
        let request = Request::upgrade(&format!("/ws?otp={ticket}"));
        way.ask(&request)?.expect(403, "no Origin")?;
        let request = request.header("Origin", &way.origin());
        way.ask(&request)?.expect(101, "its own Origin").map(drop)
    }
    prove(&SETUP, check, &[Fault::MissingOriginAllowed]);
}

/// As somebody far away asks: a proxy that nobody trusts says so.
fn from_far(request: Request) -> Request {
    request.header("X-Forwarded-For", "192.0.2.1")
}

/// A door for publishing: its room, its path, what is sent there, and its good answer.
struct PublishDoor {
    room: &'static str,
    path: &'static str,
    body: fn(&str) -> Value,
    good: u16,
}

impl PublishDoor {
    fn check(&self, target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let mut member = way.enter_as_guest("member", self.room)?;
        let publish = |text: &str| {
            let body = (self.body)(text);
            from_far(Request::post(self.path, body.to_string()))
        };
        let with = |request: Request, token: &str| {
            request.header("Authorization", &format!("Bearer {token}"))
        };
        for request in [publish("none"), with(publish("wrong"), "a-wrong-token")] {
            let answer = way.ask(&request)?;
            require(matches!(answer.status, 401 | 403), || {
                format!("401 or 403 is due without the token, not {answer:?}")
            })?;
        }
        let large = with(publish(&"x".repeat(70_000)), PUBLISH_TOKEN);
        way.ask(&large)?.expect(413, "70,000 bytes")?;
        let good = with(publish("good"), PUBLISH_TOKEN);
        way.ask(&good)?.expect(self.good, "a publish")?;
        let heard = member.expect_heard("good")?;
        require(heard["from"] != ANN.0, || {
            "it is said in the name of a user".to_owned()
        })
    }

    fn prove(check: fn(&mut Target) -> Outcome<()>) {
        const SETUP: Setup = Setup {
            flags: &["--door", "publish", "--publish-token-file", TOKEN_FILE],
            users: &[ANN],
        };
        let faults = [
            Fault::PublishByAnybody,
            Fault::PublishOfAnySize,
            Fault::PublishByAnyName,
        ];
        prove(&SETUP, check, &faults);
    }
}

/// D31. How fast one may publish is each room's own matter (`Busy`), and not shown here.
#[test]
fn d31_publishing_over_http_needs_the_token_and_has_a_bound_and_no_free_name() {
    PublishDoor::prove(|target| {
        let door = PublishDoor {
            room: "den",
            path: "/rooms/den/publish",
            body: |text| json!({ "payload": text, "from": ANN.0 }),
            good: 200,
        };
        door.check(target)
    });
}

/// D31, at the door for a name and a message, whose room is `general`.
#[test]
fn d31_the_publish_door_asks_for_the_same() {
    PublishDoor::prove(|target| {
        let door = PublishDoor {
            room: "general",
            path: "/publish",
            body: |text| json!({ "name": ANN.0, "msg": text }),
            good: 204,
        };
        door.check(target)
    });
}

/// D32: the names of guests. Those at `/plain` are tested there, what markup in a name does with the
/// page (D30).
#[test]
fn d32_nobody_is_in_without_a_ticket_or_under_a_name_without_rules() {
    const SETUP: Setup = Setup {
        flags: &[],
        users: &[ANN],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        way.ask(&Request::upgrade("/ws"))?
            .expect(401, "no ticket")?;
        let wish = |name: &str| {
            let request = Request::post("/ticket", json!({ "name": name }).to_string());
            way.ask(&request)
        };
        for name in ["", " ", "a\nb", &"x".repeat(400)] {
            wish(name)?.expect_error(400, "bad_name", name)?;
        }
        let answer = wish(ANN.0)?.expect(200, "a guest")?;
        let mut guest = way.enter(&answer.field("otp")?, Some("den"))?;
        guest.say("hello")?;
        let heard = guest.expect_heard("hello")?;
        require(heard["from"] != ANN.0, || {
            "a guest speaks in the name of a user".to_owned()
        })
    }
    prove(&SETUP, check, &[Fault::NoTicketNeeded, Fault::AnyGuestName]);
}

/// D34.
#[test]
fn d34_inner_matters_are_shown_to_nobody_from_outside() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        require(count(&way)? == 0, || "somebody is counted".to_owned())?;
        for path in ["/debug", "/debug?format=json"] {
            let answer = way.ask(&from_far(Request::get(path)))?;
            require(matches!(answer.status, 401 | 403), || {
                format!("{path} answers strangers: {answer:?}")
            })?;
        }
        for path in ["/assets/", "/tests/", "/static/", "/.git/", "//"] {
            way.ask(&Request::get(path))?.expect(404, path)?;
        }
        Ok(())
    }
    let faults = [Fault::DebugForAll, Fault::ListsDirectories];
    prove(&Setup::default(), check, &faults);
}
