//! Signing in, and secrets: D26, D27, D33.

use crate::double::Fault;
use crate::target::{ANN, BOB, Setup, Target, prove};
use crate::wire::{Outcome, PUBLISH_TOKEN, Request, TOKEN_FILE, require};

const SETUP: Setup = Setup {
    flags: &[],
    users: &[ANN],
};

/// D26: nobody has an account whom the operator has given none.
#[test]
fn d26_there_is_no_user_that_nobody_has_made() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        way.login(ANN.0, ANN.1)?;
        for (name, password) in [("percy", "123"), ("admin", "admin"), (ANN.0, ""), ("", "")] {
            let answer = way.ask(&Request::login(name, password))?;
            answer.expect(401, name)?;
        }
        Ok(())
    }
    prove(&SETUP, check, &[Fault::FixedUser]);
}

/// D26.
#[test]
fn d26_a_logins_answer_is_json_that_no_cache_keeps() {
    fn check(target: &mut Target) -> Outcome<()> {
        let answer = target.way().ask(&Request::login(ANN.0, ANN.1))?;
        let answer = answer.expect(200, "a login")?;
        for (name, due) in [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
        ] {
            let has = answer.header(name);
            require(has == Some(due), || format!("{name}: {has:?}"))?;
        }
        answer.field("otp").map(drop)
    }
    prove(&SETUP, check, &[Fault::CacheableLogin]);
}

/// D26: the seed answered 60 wrong passwords in a row.
#[test]
fn d26_wrong_passwords_in_a_row_are_refused_unread_after_a_few() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        for _ in 0..60 {
            let answer = way.ask(&Request::login(ANN.0, "guess"))?;
            if answer.status == 429 {
                let answer = answer.expect_error(429, "too_many_logins", "too many")?;
                let wait = answer.header("retry-after").map(str::parse::<u32>);
                return require(matches!(wait, Some(Ok(1..))), || {
                    format!("no time to come back: {answer:?}")
                });
            }
            answer.expect(401, "a guess")?;
        }
        Err("60 guesses were all looked at".to_owned())
    }
    prove(&SETUP, check, &[Fault::EndlessLogins]);
}

/// D26.
#[test]
fn d26_no_password_is_kept_as_it_was_typed() {
    fn check(target: &mut Target) -> Outcome<()> {
        target.way().login(ANN.0, ANN.1)?;
        let kept = target.kept();
        let holds = |bytes: &[u8], word: &str| {
            let word = word.as_bytes();
            bytes.windows(word.len()).any(|part| part == word)
        };
        require(kept.iter().any(|file| holds(file, ANN.0)), || {
            "its name is kept nowhere, so the wrong files were looked at".to_owned()
        })?;
        require(!kept.iter().any(|file| holds(file, ANN.1)), || {
            "the password is in a file".to_owned()
        })
    }
    prove(&SETUP, check, &[Fault::PlainPasswords]);
}

/// D27.
#[test]
fn d27_a_login_is_a_post_with_a_small_body() {
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        for method in ["PUT", "PATCH", "GET"] {
            let body = format!(r#"{{"username":"{}","password":"{}"}}"#, ANN.0, ANN.1);
            let answer = way.ask(&Request::new(method, "/login").body(body))?;
            answer.expect_error(405, "method_not_allowed", method)?;
        }
        let large = "x".repeat(20 << 10);
        let answer = way.ask(&Request::login(ANN.0, &large))?;
        answer.expect_error(413, "too_large", "20 KiB").map(drop)
    }
    let faults = [Fault::LoginByAnyMethod, Fault::LoginOfAnySize];
    prove(&SETUP, check, &faults);
}

/// D26: no test can measure what a comparison's time tells, so this one reads the source: the
/// operator's tokens are compared as hashes, and by a comparison that does not stop early. That an
/// unknown name costs the same work as a wrong password is counted in `crates/accounts`.
#[test]
fn d26_a_token_is_compared_in_constant_time() {
    fn check(source: &str) -> Outcome<()> {
        let body = source.split("fn is(").nth(1).ok_or("no comparison")?;
        let body = body.split("\n    }\n").next().unwrap_or_default();
        require(body.contains(".ct_eq(&hash("), || {
            format!("it is compared otherwise: {body}")
        })?;
        require(!body.contains("=="), || {
            format!("it may stop early: {body}")
        })
    }
    let double = |body: &str| format!("fn is(&self, text: &str) -> bool {{\n{body}\n    }}\n");
    for faulty in [
        "self.0 == hash(text)",
        "self.0 == text",
        "text.len() == self.0.len() && self.0.ct_eq(&hash(text)).into()",
    ] {
        assert!(check(&double(faulty)).is_err(), "{faulty} is not seen");
    }
    check(&double("self.0.ct_eq(&hash(text)).into()")).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../parlour/src/doors/token.rs");
    check(&std::fs::read_to_string(path).unwrap()).unwrap();
}

/// D33.
#[test]
fn d33_no_secret_is_in_the_log_at_the_most_talkative_level() {
    const SETUP: Setup = Setup {
        flags: &[
            "--log",
            "trace",
            "--door",
            "publish",
            "--publish-token-file",
            TOKEN_FILE,
        ],
        users: &[ANN, BOB],
    };
    fn check(target: &mut Target) -> Outcome<()> {
        let way = target.way();
        let answer = way.ask(&Request::login(ANN.0, ANN.1))?;
        let answer = answer.expect(200, "a login")?;
        let (ticket, session) = (answer.field("otp")?, answer.field("session")?);
        way.enter(&ticket, None)?;
        let bearer = format!("Bearer {session}");
        way.ask(&Request::new("POST", "/ticket").header("Authorization", &bearer))?;
        let guess = "guessed-and-nearly-right-0123";
        way.ask(&Request::login(BOB.0, guess))?
            .expect(401, "a guess")?;
        way.ask(&Request::new("POST", "/logout").header("Authorization", &bearer))?;
        let log = target.log();
        require(!log.is_empty(), || "nothing is logged at all".to_owned())?;
        for secret in [ANN.1, BOB.1, guess, PUBLISH_TOKEN, &ticket, &session] {
            require(!log.contains(secret), || {
                format!("{secret} is in the log:\n{log}")
            })?;
        }
        Ok(())
    }
    prove(&SETUP, check, &[Fault::LogsSecrets]);
}
