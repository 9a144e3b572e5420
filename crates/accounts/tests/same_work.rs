//! Whether there is such a user cannot be told from the work that an answer takes. Work is counted
//! in computations of argon2, so that no clock decides.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use parlour::Accounts;

use support::{Desk, RIGHT, WRONG, add, password};

#[tokio::test]
async fn an_unknown_user_costs_the_same_work_as_a_wrong_password() {
    let book = Desk::new().open();
    assert_eq!(book.counts().computations, 0, "from here on");
    add(&book, "ann").await;
    let work = async |name: &str, text: &str| {
        let before = book.counts().computations;
        let is_in = book.sign_in(name, password(text)).await.unwrap().is_some();
        (is_in, book.counts().computations - before)
    };
    assert_eq!(work("ann", WRONG).await, (false, 1), "a wrong password");
    assert_eq!(work("bob", WRONG).await, (false, 1), "an unknown user");
    assert_eq!(work("bob", RIGHT).await, (false, 1), "of another one");
    assert_eq!(work("guest-bob", WRONG).await, (false, 1), "no user's name");
    assert_eq!(work(&"x".repeat(9_999), WRONG).await, (false, 1));
    assert_eq!(work("ann", RIGHT).await, (true, 1), "the right one");

    book.remove("ann").await.unwrap();
    assert_eq!(work("ann", RIGHT).await, (false, 1), "one who is gone");
}

#[tokio::test]
async fn a_password_that_cannot_be_right_costs_nothing_whoever_is_asked_for() {
    let book = Desk::new().open();
    add(&book, "ann").await;
    let before = book.counts().computations;
    for name in ["ann", "bob"] {
        for text in ["", &"x".repeat(1025)] {
            let answer = book.sign_in(name, password(text)).await.unwrap();
            assert!(answer.is_none());
        }
    }
    assert_eq!(book.counts().computations, before);
}
