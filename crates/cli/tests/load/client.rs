//! What one client does, round by round.

use serde_json::json;

use super::tally::Tally;
use crate::wire::{Answer, End, Outcome, Request, Way, require};

/// A user who is signed in.
pub(crate) struct Resident {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) session: String,
}

/// How many different rounds there are: most are a plain visit.
pub(crate) const KINDS: usize = 16;

pub(crate) struct Client<'a> {
    number: usize,
    way: Way,
    resident: &'a Resident,
    pub(crate) tally: Tally,
}

fn at(ticket: &str) -> String {
    format!("/ws?otp={ticket}")
}

fn bearing(request: Request, session: &str) -> Request {
    request.header("Authorization", &format!("Bearer {session}"))
}

impl<'a> Client<'a> {
    pub(crate) fn new(number: usize, way: Way, resident: &'a Resident) -> Self {
        Self {
            number,
            way,
            resident,
            tally: Tally::default(),
        }
    }

    /// A refusal or something else of its own in some rounds, and a visit in each.
    pub(crate) fn round(&mut self, kind: usize) {
        let done = match kind % KINDS {
            0 => self.wrong_password(),
            1 => self.bad_ticket(),
            2 => self.used_ticket(),
            3 => self.foreign_page(),
            4 => self.plain_get(),
            5 => self.oversize_body(),
            6 => self.sign_in_and_out(),
            7 => self.bad_session(),
            8 => self.wrong_method(),
            _ => Ok(()),
        };
        let done = done.and_then(|()| self.visit());
        if let Err(error) = done {
            self.tally
                .wrong
                .push(format!("kind {}: {error}", kind % KINDS));
        }
    }

    fn ask(&mut self, request: &Request) -> Outcome<Answer> {
        self.tally.requests += 1;
        self.way.ask(request)
    }

    fn refusal(&mut self, request: &Request, status: u16, code: &str, what: &str) -> Outcome<()> {
        let answer = self.ask(request)?;
        match code {
            "" => answer.expect(status, what)?,
            code => answer.expect_error(status, code, what)?,
        };
        self.tally.refusals += 1;
        Ok(())
    }

    /// A ticket by the session, which costs no password.
    fn ticket(&mut self) -> Outcome<String> {
        let request = bearing(Request::new("POST", "/ticket"), &self.resident.session);
        let answer = self.ask(&request)?.expect(200, "a ticket")?;
        require(answer.field("name")? == self.resident.name, || {
            format!("a ticket for another one: {answer:?}")
        })?;
        answer.field("otp")
    }

    /// Comes in, says something, hears it, and goes.
    fn visit(&mut self) -> Outcome<()> {
        let ticket = self.ticket()?;
        // Few in a room: what is tested is coming and going.
        let room = format!("room{}", self.number % 50);
        let mut socket = self.way.enter(&ticket, Some(&room))?;
        let words = format!("client {} says {}", self.number, self.tally.visits);
        socket.say(&words)?;
        loop {
            let heard = socket.heard()?;
            if heard["message"] == words.as_str() {
                require(heard["from"] == self.resident.name, || {
                    format!("{heard} is of {}", self.resident.name)
                })?;
                break;
            }
        }
        socket.close()?;
        let end = socket.end()?;
        require(matches!(end, End::Closed(..)), || {
            format!("a close is answered with a close, not {end:?}")
        })?;
        self.tally.visits += 1;
        Ok(())
    }

    /// A login; `None` when so many passwords are being checked that it is to come back.
    fn login(&mut self, password: &str) -> Outcome<Option<Answer>> {
        let answer = self.ask(&Request::login(self.resident.name, password))?;
        if answer.status != 503 {
            self.tally.logins += 1;
            return Ok(Some(answer));
        }
        let answer = answer.expect_error(503, "busy", "a login")?;
        require(answer.header("retry-after").is_some(), || {
            format!("it does not say when to come back: {answer:?}")
        })?;
        self.tally.busy += 1;
        Ok(None)
    }

    fn wrong_password(&mut self) -> Outcome<()> {
        let Some(answer) = self.login("a wrong password")? else {
            return Ok(());
        };
        answer.expect_error(401, "bad_credentials", "a wrong password")?;
        self.tally.refusals += 1;
        Ok(())
    }

    fn bad_ticket(&mut self) -> Outcome<()> {
        let never_given = "A".repeat(43);
        let request = Request::upgrade(&at(&never_given));
        self.refusal(&request, 401, "", "a ticket that nobody has given")
    }

    fn used_ticket(&mut self) -> Outcome<()> {
        let ticket = self.ticket()?;
        self.way.enter(&ticket, Some("used"))?;
        let request = Request::upgrade(&at(&ticket));
        self.refusal(&request, 401, "", "a used ticket")
    }

    fn foreign_page(&mut self) -> Outcome<()> {
        let ticket = self.ticket()?;
        let request = Request::upgrade(&at(&ticket)).header("Origin", "https://evil.example");
        self.refusal(&request, 403, "", "a foreign page")?;
        let request = bearing(Request::new("POST", "/ticket"), &self.resident.session)
            .header("Origin", "https://evil.example");
        self.refusal(&request, 403, "foreign_origin", "a foreign page's POST")
    }

    fn plain_get(&mut self) -> Outcome<()> {
        let ticket = self.ticket()?;
        self.refusal(&Request::get(&at(&ticket)), 426, "", "a plain GET")?;
        // It is as good as before.
        self.way.enter(&ticket, Some("plain")).map(drop)
    }

    fn oversize_body(&mut self) -> Outcome<()> {
        let body = json!({ "username": "ann", "password": "x".repeat(17 << 10) });
        let request = Request::post("/login", body.to_string());
        self.refusal(&request, 413, "too_large", "17 KiB")
    }

    fn sign_in_and_out(&mut self) -> Outcome<()> {
        let Some(answer) = self.login(self.resident.password)? else {
            return Ok(());
        };
        let answer = answer.expect(200, "a login")?;
        let (ticket, session) = (answer.field("otp")?, answer.field("session")?);
        let mut socket = self.way.enter(&ticket, Some("own"))?;
        let unused = bearing(Request::new("POST", "/ticket"), &session);
        let unused = self.ask(&unused)?.expect(200, "a ticket")?.field("otp")?;
        let logout = bearing(Request::new("POST", "/logout"), &session);
        let answer = self.ask(&logout)?;
        if answer.status == 503 {
            // As many changes are waiting for the disk as may.
            self.tally.busy += 1;
            return answer.expect_error(503, "busy", "a logout").map(drop);
        }
        answer.expect(204, "a logout")?;
        // All that the session had ends with it.
        let end = socket.end()?;
        require(end.code() == Some(1008), || {
            format!("1008 is due after a logout, not {end:?}")
        })?;
        self.refusal(&Request::upgrade(&at(&unused)), 401, "", "its ticket")?;
        let request = bearing(Request::new("POST", "/ticket"), &session);
        self.refusal(&request, 401, "bad_session", "its session")
    }

    fn bad_session(&mut self) -> Outcome<()> {
        let request = bearing(Request::new("POST", "/ticket"), &"B".repeat(43));
        self.refusal(&request, 401, "bad_session", "a session that nobody has")
    }

    fn wrong_method(&mut self) -> Outcome<()> {
        for path in ["/login", "/ticket", "/logout"] {
            let request = Request::new("PUT", path).body("{}");
            self.refusal(&request, 405, "method_not_allowed", path)?;
        }
        Ok(())
    }
}
