//! The dialect of `/plain` (docs/seeds.md, 1.06 to 1.18): text in, JSON objects of `type`, `id`,
//! `nickname` and `message` out.
//!
//! Who is here is shown by his bare nickname, all others by their full name. What is refused is
//! told by the server's own voice: the id of zeros and the nickname `*`, which nobody can have.

use serde::Deserialize;

use super::{Dialect, Frame, FrameKind};
use crate::id::bare;
use crate::{Author, ClientId, Command, Entry, EntryKind, Event, Refusal, json};

/// The dialect of `/plain`.
///
/// ```
/// use parlour_proto::dialect::{Dialect, Plain};
/// use parlour_proto::{Command, Frame};
/// let renames = |text| matches!(Plain.decode(Frame::Text(text)), Ok(Command::Rename { .. }));
/// assert!(renames("/nick bob"));
/// assert!(!renames("/nickname bob") && !renames("say /nick bob"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// The server's own nickname.
const SERVER: &str = "*";
const RENAME: &str = "/nick";

#[derive(Deserialize)]
struct Renamed<'a> {
    #[serde(borrow)]
    was: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    now: std::borrow::Cow<'a, str>,
}

impl Dialect for Plain {
    fn name(&self) -> &'static str {
        "parlour.plain"
    }

    /// Binary frames are taken as text.
    fn decode<'a>(&self, frame: Frame<'a>) -> Result<Command<'a>, Refusal> {
        let text = std::str::from_utf8(frame.bytes()).map_err(|_| Refusal::BadPayload)?;
        if let Some(rest) = text.strip_prefix(RENAME)
            && !rest.starts_with(|first: char| !first.is_whitespace())
        {
            return Ok(match rest.split_whitespace().next() {
                Some(name) => Command::Rename {
                    name: name.to_owned(),
                },
                None => Command::Nothing,
            });
        }
        Ok(Command::Publish {
            room: None,
            id: None,
            since: None,
            kind: EntryKind::MESSAGE,
            payload: json::string(text),
        })
    }

    fn encode(&self, event: &Event<'_>, out: &mut Vec<u8>) -> Option<FrameKind> {
        match event {
            Event::Entry { entry, .. } if entry.kind == EntryKind::MESSAGE => {
                let (id, name) = shown(entry.author, &entry.from);
                put("message", id, name, &entry.payload, out);
            }
            Event::Entry { entry, .. } if entry.kind == EntryKind::NICK => {
                put_nick_update(entry, out)?;
            }
            Event::Notice {
                author, name, came, ..
            } => {
                let (id, name) = shown(*author, name);
                let what = if *came { "connected" } else { "disconnected" };
                put_notification(id, name, &format!("{name} has {what}"), out);
            }
            Event::Refused { refusal, .. } => {
                put_notification(ClientId::SERVER, SERVER, &refusal.to_string(), out);
            }
            Event::Failed { message, .. } => {
                put_notification(ClientId::SERVER, SERVER, message, out);
            }
            _ => return None,
        }
        Some(FrameKind::Text)
    }

    /// As the book has it (docs/seeds.md, E9, row 1.16).
    fn announces(&self) -> bool {
        true
    }
}

/// The id and the name that somebody has here.
fn shown(author: Author, from: &str) -> (ClientId, &str) {
    let name = match author {
        Author::Plain(_) => bare(from),
        Author::Named | Author::Published => from,
    };
    (author.id(from), name)
}

fn put_nick_update(entry: &Entry, out: &mut Vec<u8>) -> Option<()> {
    let Renamed { was, now } = serde_json::from_slice(&entry.payload).ok()?;
    let (was, now) = (shown(entry.author, &was).1, shown(entry.author, &now).1);
    let message = json::string(&format!("Client {was} changed to {now}"));
    put(
        "nick_update",
        entry.author.id(&entry.from),
        now,
        &message,
        out,
    );
    Some(())
}

fn put_notification(id: ClientId, name: &str, message: &str, out: &mut Vec<u8>) {
    put("notification", id, name, &json::string(message), out);
}

/// Fields in this order for good: type, id, nickname, message (row 1.07). `message` is JSON.
fn put(kind: &str, id: ClientId, name: &str, message: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!(r#"{{"type":"{kind}","id":"{id}","nickname":"#).as_bytes());
    json::put(name, out);
    out.extend_from_slice(br#","message":"#);
    out.extend_from_slice(message);
    out.push(b'}');
}

#[cfg(test)]
mod tests;
