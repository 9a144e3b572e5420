//! What the operator wants of users, done.

use parlour::UserName;
use parlour_accounts::{Book, ChangeError, EndedUser};

use super::USERS_AT_ONCE;
use super::words::{Answer, Code, Refused, Request};

/// What has become of a user.
pub(crate) enum Change {
    /// There is an account now.
    Added,
    /// All sessions have ended.
    Ended,
}

/// Does it, on a live server as on a stopped one. `tell` is told what has become of whom, after the
/// file says so.
pub(crate) async fn do_one(
    book: &Book,
    request: Request,
    tell: impl Fn(Change, &UserName),
) -> Answer {
    match try_one(book, request, tell).await {
        Ok(answer) => answer,
        Err(error) => Answer::Refused(error.into()),
    }
}

async fn try_one(
    book: &Book,
    request: Request,
    tell: impl Fn(Change, &UserName),
) -> Result<Answer, ChangeError> {
    let all_ended = |ended: EndedUser| {
        tell(Change::Ended, &ended.name);
        Answer::Ended {
            name: ended.name.as_str().to_owned(),
            sessions: ended.sessions.len(),
        }
    };
    Ok(match request {
        Request::Ping => Answer::Pong {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        Request::UserFind { name } => Answer::Found {
            name: (book.find(&name).await?).map(|name| name.as_str().to_owned()),
        },
        Request::UserAdd { name, password } => {
            let name = book.add(&name, password.0).await?;
            tell(Change::Added, &name);
            Answer::Added {
                name: name.as_str().to_owned(),
            }
        }
        Request::UserList { after } => list(book, after).await?,
        Request::UserRemove { name } => all_ended(book.remove(&name).await?),
        // Those are not for the book, and went elsewhere before.
        Request::Room(_) => Answer::Refused(Refused::new(Code::BadRequest, "that is no user's")),
        Request::UserPasswd { name, password } => {
            all_ended(book.set_password(&name, password.0).await?)
        }
    })
}

async fn list(book: &Book, after: Option<String>) -> Result<Answer, ChangeError> {
    let bad_name = |name: &str| {
        UserName::user(name)
            .map_err(|error| ChangeError::BadName(name.to_owned(), error.to_string()))
    };
    let after = after.as_deref().map(bad_name).transpose()?;
    let users = book.list_after(after.as_ref(), USERS_AT_ONCE).await?;
    Ok(Answer::Users {
        is_last: users.len() < USERS_AT_ONCE,
        users: users.into_iter().map(Into::into).collect(),
    })
}
