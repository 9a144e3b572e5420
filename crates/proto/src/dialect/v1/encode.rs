//! What a client of `parlour.v1` is told. Fields stand in one order for good.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    CloseReason, Entry, EntryId, Epoch, Event, Limits, Missed, Position, RoomName, UserName, json,
};

/// Writes the frame; `false` if there are no words for the event.
pub(super) fn event(event: &Event<'_>, out: &mut Vec<u8>) -> bool {
    match event {
        Event::Hello { user, limits } => hello(user, limits, out),
        Event::Joined {
            room,
            position,
            head: last,
        } => {
            head("joined", room, out);
            put_position(*position, out);
            put(out, format_args!(r#","head":{}}}"#, last.0));
        }
        Event::Entry { room, epoch, entry } => put_entry(room, *epoch, entry, out),
        Event::Ack { room, id, position } => {
            head("ack", room, out);
            put_id(*id, out);
            put_position(*position, out);
            out.push(b'}');
        }
        Event::Page {
            room,
            id,
            epoch,
            entries,
            more,
        } => {
            head("page", room, out);
            put_id(*id, out);
            put(out, format_args!(r#","epoch":"{epoch}""#));
            put_page(entries, *more, out);
            out.push(b'}');
        }
        Event::Gap { room, missed } => gap(room, *missed, out),
        Event::Presence { room, count, users } => {
            head("presence", room, out);
            put(out, format_args!(r#","count":{count}"#));
            if let Some(users) = users {
                put_users("users", users, out);
            }
            out.push(b'}');
        }
        Event::PresenceChange {
            room,
            count,
            came,
            went,
        } => {
            head("presence_change", room, out);
            put(out, format_args!(r#","count":{count}"#));
            put_users("came", came, out);
            put_users("went", went, out);
            out.push(b'}');
        }
        Event::Left { room } => {
            head("left", room, out);
            out.push(b'}');
        }
        Event::Pong { id } => {
            out.extend_from_slice(br#"{"t":"pong""#);
            put_id(*id, out);
            out.push(b'}');
        }
        Event::Refused {
            room,
            id,
            refusal,
            retry_after,
        } => {
            error(refusal.code(), &refusal.to_string(), out);
            put_about(*room, *id, out);
            put_retry_after(*retry_after, out);
            out.push(b'}');
        }
        Event::Closing {
            reason,
            retry_after,
        } => closing(*reason, *retry_after, out),
        Event::Told { kind, payload, .. } => told(kind, payload, out),
        Event::Failed {
            room,
            id,
            code,
            message,
        } => {
            error(code, message, out);
            put_about(*room, *id, out);
            out.push(b'}');
        }
        Event::Echo(_) | Event::Notice { .. } => return false,
    }
    true
}

fn hello(user: &UserName, limits: &Limits, out: &mut Vec<u8>) {
    let Limits {
        message_bytes_max,
        rooms_per_connection_max,
        messages_per_second,
        message_burst,
        presence_members_max,
        ids_per_room_max,
        ..
    } = limits;
    let version = env!("CARGO_PKG_VERSION");
    put(
        out,
        format_args!(r#"{{"t":"hello","version":"{version}","user":"#),
    );
    json::put(user.as_str(), out);
    put(
        out,
        format_args!(
            r#","guest":{},"limits":{{"message_bytes":{message_bytes_max},"rooms":{rooms_per_connection_max},"messages_per_second":{messages_per_second},"burst":{message_burst},"presence_members":{presence_members_max},"ids":{ids_per_room_max}}}}}"#,
            user.is_guest()
        ),
    );
}

fn put_entry(room: &RoomName, epoch: Epoch, entry: &Entry, out: &mut Vec<u8>) {
    head("entry", room, out);
    let seq = entry.seq;
    put_position(Position { epoch, seq }, out);
    put_said(entry, out);
    out.push(b'}');
}

/// The fields of a page, which a program that asks over HTTP is given too.
pub(super) fn put_page(entries: &[Arc<Entry>], more: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","entries":["#);
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        put(out, format_args!(r#"{{"seq":{}"#, entry.seq.0));
        put_said(entry, out);
        out.push(b'}');
    }
    put(out, format_args!(r#"],"more":{more}"#));
}

fn put_said(entry: &Entry, out: &mut Vec<u8>) {
    put_id(entry.id.as_ref(), out);
    out.extend_from_slice(br#","from":"#);
    json::put(&entry.from, out);
    out.extend_from_slice(br#","type":"#);
    json::put(entry.kind.as_str(), out);
    out.extend_from_slice(br#","payload":"#);
    out.extend_from_slice(&entry.payload);
    out.extend_from_slice(br#","sent":""#);
    entry.sent.put(out);
    out.push(b'"');
}

fn gap(room: &RoomName, missed: Missed, out: &mut Vec<u8>) {
    head("gap", room, out);
    match missed {
        Missed::Entries { epoch, first, last } => put(
            out,
            format_args!(
                r#","reason":"trimmed","epoch":"{epoch}","first":{},"last":{}}}"#,
                first.0, last.0
            ),
        ),
        Missed::Epoch { was, now } => put(
            out,
            format_args!(
                r#","reason":"new_epoch","was":{{"epoch":"{}","seq":{}}},"now":{{"epoch":"{}","seq":{}}}}}"#,
                was.epoch, was.seq.0, now.epoch, now.seq.0
            ),
        ),
    }
}

/// What is no JSON, for which the application is to blame, is told as `null`.
fn told(kind: &str, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"event","type":"#);
    json::put(kind, out);
    out.extend_from_slice(br#","payload":"#);
    out.extend_from_slice(json::or_null(payload));
    out.push(b'}');
}

fn error(code: &str, message: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":"error","code":"#);
    json::put(code, out);
    out.extend_from_slice(br#","message":"#);
    json::put(message, out);
}

/// What an answer is about.
fn put_about(room: Option<&RoomName>, id: Option<&EntryId>, out: &mut Vec<u8>) {
    if let Some(room) = room {
        out.extend_from_slice(br#","room":"#);
        json::put(room.as_str(), out);
    }
    put_id(id, out);
}

fn closing(reason: CloseReason, retry_after: Option<Duration>, out: &mut Vec<u8>) {
    put(
        out,
        format_args!(r#"{{"t":"closing","why":"{}","message":"#, reason.name()),
    );
    json::put(reason.text(), out);
    put_retry_after(retry_after, out);
    out.push(b'}');
}

/// The beginning that all frames about a room share.
fn head(t: &str, room: &RoomName, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"t":""#);
    out.extend_from_slice(t.as_bytes());
    out.extend_from_slice(br#"","room":"#);
    json::put(room.as_str(), out);
}

fn put_position(Position { epoch, seq }: Position, out: &mut Vec<u8>) {
    // Every entry and every ack has one, so without the machinery of `format_args`.
    out.extend_from_slice(br#","epoch":""#);
    epoch.put(out);
    out.extend_from_slice(br#"","seq":"#);
    json::number(seq.0, out);
}

fn put_id(id: Option<&EntryId>, out: &mut Vec<u8>) {
    if let Some(id) = id {
        out.extend_from_slice(br#","id":"#);
        json::put(id.as_str(), out);
    }
}

fn put_users(field: &str, users: &[UserName], out: &mut Vec<u8>) {
    put(out, format_args!(r#","{field}":["#));
    for (place, user) in users.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        json::put(user.as_str(), out);
    }
    out.push(b']');
}

/// Seconds, rounded up to hundredths: who comes back then is not too early.
fn put_retry_after(retry_after: Option<Duration>, out: &mut Vec<u8>) {
    if let Some(retry_after) = retry_after {
        let hundredths = retry_after.as_millis().div_ceil(10);
        let (seconds, rest) = (hundredths / 100, hundredths % 100);
        put(out, format_args!(r#","retry_after":{seconds}.{rest:02}"#));
    }
}

fn put(out: &mut Vec<u8>, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).expect("a Vec always takes it");
}
