//! Who comes in, and what is done with what he sends.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;

use super::frames::{Got, Reader, frame};
use super::http::{self, Asked};
use super::{Fault, Inner, lock};

/// Whose pages may come in, besides the server's own.
const ALLOWED_ORIGIN: &str = "https://chat.example:8443";
const BAD_FRAMES_MAX: usize = 10;

pub(super) fn serve(inner: &Inner, asked: &Asked, mut stream: TcpStream) {
    let who = match check(inner, asked) {
        Ok(who) => who,
        Err(status) => {
            if inner.is(Fault::FailedHandshakeKills) {
                inner.die();
            }
            return http::refuse(&mut stream, status);
        }
    };
    let accept = derive_accept_key(
        asked
            .header("sec-websocket-key")
            .unwrap_or_default()
            .as_bytes(),
    );
    let offered = asked.header("sec-websocket-protocol").unwrap_or_default();
    let protocol = if offered.contains("parlour.events") {
        "Sec-WebSocket-Protocol: parlour.events\r\n"
    } else {
        ""
    };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
    );
    http::register(inner, &stream);
    if stream.write_all(answer.as_bytes()).is_err() {
        return;
    }
    let first_room = if inner.is(Fault::FirstRoomIsEmpty) {
        ""
    } else {
        "general"
    };
    let room = parameter(asked, "room").unwrap_or_else(|| first_room.to_owned());
    let number = inner.rooms.enter(inner, &stream, room);
    converse(inner, asked, &stream, number, &who);
    inner.rooms.leave(inner, number);
}

/// The first of that name in the query.
fn parameter(asked: &Asked, name: &str) -> Option<String> {
    let mut pairs = asked
        .query
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(own, _)| *own == name);
    found.map(|(_, value)| value.to_owned())
}

/// Who comes in, or the status of the refusal. The ticket is spent last.
fn check(inner: &Inner, asked: &Asked) -> Result<String, u16> {
    let offered = asked.header("sec-websocket-protocol").unwrap_or_default();
    let by_protocol = offered
        .split(", ")
        .find_map(|it| it.strip_prefix("ticket."))
        .filter(|_| !inner.is(Fault::TicketByAddressOnly));
    let ticket = parameter(asked, "otp").or_else(|| by_protocol.map(str::to_owned));
    let ticket = ticket.unwrap_or_default();
    let needs_none = asked.path != "/ws" || inner.is(Fault::NoTicketNeeded);
    let early = inner
        .is(Fault::TicketSpentFirst)
        .then(|| inner.doorkeeper.spend(&ticket));
    let has_shape = asked.header("sec-websocket-key").is_some()
        && asked.header("sec-websocket-version") == Some("13");
    if !needs_none && early.is_none() && inner.doorkeeper.look_at(&ticket).is_none() {
        return Err(401);
    }
    if asked.header("upgrade").is_none() {
        return Err(426);
    }
    if !has_shape {
        return Err(400);
    }
    if !origin_is_allowed(inner, asked) {
        return Err(403);
    }
    let is_full = inner.rooms.count() >= inner.connections_max;
    if is_full && !inner.is(Fault::EndlessConnections) {
        return Err(503);
    }
    match early {
        _ if needs_none => Ok("guest-anybody".to_owned()),
        Some(who) => who.ok_or(401),
        None => inner.doorkeeper.spend(&ticket).ok_or(401),
    }
}

fn origin_is_allowed(inner: &Inner, asked: &Asked) -> bool {
    let Some(origin) = asked.header("origin") else {
        return !inner.requires_origin || inner.is(Fault::MissingOriginAllowed);
    };
    let own = format!("http://{}", asked.header("host").unwrap_or_default());
    let same = |one: &str, other: &str| match inner.fault {
        Some(Fault::OriginWithoutPort) => host(one) == host(other),
        Some(Fault::OriginWithoutScheme) => {
            one.split_once("://").map(|it| it.1) == other.split_once("://").map(|it| it.1)
        }
        _ => one == other,
    };
    let is_null = origin == "null" && inner.is(Fault::NullOriginAllowed);
    is_null || same(origin, &own) || same(origin, ALLOWED_ORIGIN)
}

/// Scheme and host.
fn host(origin: &str) -> &str {
    let colon = origin
        .rfind(':')
        .filter(|at| !origin[*at..].starts_with("://"));
    colon.map_or(origin, |at| &origin[..at])
}

/// Reads until the end.
fn converse(inner: &Inner, asked: &Asked, stream: &TcpStream, number: usize, who: &str) {
    let never_pings = asked.path != "/ws" && inner.is(Fault::FreeDoorsNeverPing);
    let patience = (!never_pings).then_some(inner.ping_interval);
    let _ = stream.set_read_timeout(patience);
    let Ok(out) = stream.try_clone() else { return };
    let mut out = out;
    let mut reader = Reader::new(stream.try_clone().unwrap());
    let (mut is_pinged, mut bad_frames) = (false, 0);
    let mut last_pong = Instant::now();
    loop {
        let got = reader.next();
        if !matches!(got, Got::Nothing | Got::End) {
            is_pinged = false;
        }
        if matches!(got, Got::Pong) {
            last_pong = Instant::now();
        }
        let is_late = last_pong.elapsed() > 2 * inner.ping_interval;
        if is_late && inner.is(Fault::OnlyPongsAreLife) {
            return http::close(&mut out, 1008, "no pong");
        }
        match got {
            Got::End if inner.is(Fault::GoneIsKeptUntilPing) => {
                // Its writer notices with its next ping.
                std::thread::park_timeout(inner.ping_interval);
                return;
            }
            Got::End => return,
            Got::Nothing if is_pinged => {
                if !inner.is(Fault::CutsSilent) {
                    http::close(&mut out, 1008, "no sign of life");
                }
                return cut(stream);
            }
            Got::Nothing => {
                is_pinged = true;
                inner.rooms.tell(number, frame(9, b""));
            }
            Got::Pong => {}
            Got::Ping(payload) => inner.rooms.tell(number, frame(10, &payload)),
            Got::Close(payload) => {
                inner.rooms.tell(number, frame(8, &payload));
                return;
            }
            Got::Data { payload, .. } if payload.len() > inner.message_bytes_max => {
                return http::close(&mut out, 1009, "too large");
            }
            Got::Data { is_text, payload } => {
                let is_valid = !is_text || std::str::from_utf8(&payload).is_ok();
                if !is_valid && !inner.is(Fault::TakesInvalidText) {
                    return http::close(&mut out, 1007, "not UTF-8");
                }
                if take(inner, number, who, &payload) {
                    bad_frames = 0;
                    continue;
                }
                bad_frames += 1;
                if bad_frames < BAD_FRAMES_MAX && !inner.is(Fault::CutsAfterBadFrames) {
                    continue;
                }
                if !inner.is(Fault::CutsAfterBadFrames) {
                    http::close(&mut out, 1008, "ten bad frames in a row");
                }
                return cut(stream);
            }
        }
    }
}

fn cut(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

/// Does what a message says; false for one that is bad.
fn take(inner: &Inner, number: usize, who: &str, payload: &[u8]) -> bool {
    if inner.is(Fault::ShortTextKills) && payload.len() < 5 {
        inner.die();
    }
    let text = String::from_utf8_lossy(payload);
    let event: Value = serde_json::from_str(&text).unwrap_or_default();
    let own = &event["payload"];
    match event["type"].as_str() {
        Some("send_message") => {
            let claimed = own["from"].as_str().unwrap_or_default();
            let from = if inner.is(Fault::FromIsClaimed) {
                claimed
            } else {
                who
            };
            if inner.is(Fault::LogsMessages) {
                inner.write_log(&format!("sent message {}", own["message"]));
            }
            let said = http::event(&own["message"], from);
            inner.rooms.say(inner, number, said.as_bytes());
            if inner.is_stopping.load(SeqCst) && inner.is(Fault::PublishAfterStopKills) {
                inner.has_died.store(true, SeqCst);
                *lock(&inner.has_published.0) = true;
                inner.has_published.1.notify_all();
            }
        }
        Some("change_room") => {
            let room = own["name"].as_str().unwrap_or_default();
            if !inner.rooms.change(inner, number, room.to_owned()) {
                tell_error(inner, number, "too_many_rooms");
            }
        }
        kind => {
            let code = match kind {
                Some(_) => "unknown_type",
                None => "bad_json",
            };
            tell_error(inner, number, code);
            return false;
        }
    }
    true
}

fn tell_error(inner: &Inner, number: usize, code: &str) {
    if inner.is(Fault::ErrorsAreOnlyLogged) {
        return inner.write_log(code);
    }
    let told = json!({ "type": "error", "payload": { "code": code, "message": "no" } });
    let frame = frame(1, told.to_string().as_bytes());
    inner.rooms.tell(number, frame);
}
