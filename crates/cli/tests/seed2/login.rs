//! `POST /login`: rows 2.01 to 2.06.

use crate::wire::Request;
use crate::{ANN, BOB, both_ways};

/// Rows 2.01, 2.02, 2.06; D26: JSON that no cache keeps.
#[test]
fn right_credentials_give_a_new_ticket_each_time() {
    both_ways(|house| {
        let mut tickets = Vec::new();
        for request in [
            Request::login(ANN.0, ANN.1),
            Request::login(ANN.0, ANN.1).without("Content-Type"),
            Request::login(ANN.0, ANN.1)
                .without("Content-Type")
                .header("Content-Type", "text/plain"),
            Request::post(
                "/login",
                format!(
                    r#"{{"more":[1],"username":"{}","password":"{}"}}"#,
                    ANN.0, ANN.1
                ),
            ),
        ] {
            let answer = house.way.ask(&request).unwrap();
            let answer = answer.expect(200, "a login").unwrap();
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.field("user").unwrap(), ANN.0);
            let body = answer.json().unwrap();
            assert_eq!(
                (&body["expires_in"], &body["max_message_bytes"]),
                (&5.into(), &512.into())
            );
            tickets.push(answer.field("otp").unwrap());
        }
        // All of them are open at once, and each is for its own connection.
        let mut sockets: Vec<_> = tickets
            .iter()
            .map(|ticket| house.way.enter(ticket, None).unwrap())
            .collect();
        sockets[0].say("hello").unwrap();
        for socket in &mut sockets {
            assert_eq!(socket.expect_heard("hello").unwrap()["from"], ANN.0);
        }
    });
}

/// Row 2.03. What differs is only what was typed, so nobody learns which names exist.
#[test]
fn wrong_credentials_are_401_and_say_nothing_of_why() {
    both_ways(|house| {
        let mut bodies = Vec::new();
        for (user, password) in [
            (ANN.0, BOB.1),
            ("nobody", ANN.1),
            (ANN.0, ""),
            ("percy", "123"),
        ] {
            let answer = house.way.ask(&Request::login(user, password)).unwrap();
            let answer = answer.expect_error(401, "bad_credentials", user).unwrap();
            assert!(answer.header("set-cookie").is_none(), "{answer:?}");
            bodies.push(answer.body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    });
}

/// Row 2.04.
#[test]
fn what_is_no_login_is_400() {
    both_ways(|house| {
        for body in [
            "",
            "percy",
            "[]",
            r#"["ann","secret"]"#,
            r#"{"username":"ann"}"#,
            r#"{"username":7,"password":"secret"}"#,
            r#"{"username":"ann","password":null}"#,
        ] {
            let answer = house.way.ask(&Request::post("/login", body)).unwrap();
            answer.expect_error(400, "bad_json", body).unwrap();
        }
    });
}

/// Row 2.05 as D27 mends it.
#[test]
fn a_login_is_a_post() {
    both_ways(|house| {
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let request = Request::new(method, "/login").body(format!(
                r#"{{"username":"{}","password":"{}"}}"#,
                ANN.0, ANN.1
            ));
            let answer = house.way.ask(&request).unwrap();
            let answer = answer
                .expect_error(405, "method_not_allowed", method)
                .unwrap();
            assert_eq!(answer.header("allow"), Some("POST"));
        }
    });
}
