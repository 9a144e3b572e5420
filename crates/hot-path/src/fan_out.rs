//! One publish in a room of 1,000, from its frame to every member's socket.

use std::sync::Arc;
use std::time::Duration;

use parlour_hub::{
    Asks, Attach, Bus, Framing, Letter, NoStore, Sent, Shard, ShardConfig, Sockets, Wire, WireIndex,
};
use parlour_proto::dialect::{Events, V1};
use parlour_proto::{
    Frame, FrameKind, Limits, Now, RoomKinds, RoomName, ShardId, Timestamp, UserName,
};
use parlour_ws::{Opcode, put_close, put_frame};

use crate::frames;

const MEMBERS: u32 = 1_000;
const ROOM: &str = "den";
const SPEAKS_V1: WireIndex = WireIndex(0);
#[cfg(test)]
const SPEAKS_EVENTS: WireIndex = WireIndex(1);

/// Publishes so many times. How many sends that made.
pub(crate) fn run(times: u32) -> usize {
    let mut hub = Hub::with_members(MEMBERS, SPEAKS_V1);
    let publish = text_of_publish();
    let before = hub.sockets.sends;
    for time in 0..times {
        // Each with an id of its own, as clients do.
        let frame = publish.replace("a-1", &format!("a-{time}"));
        hub.publish(&frame);
    }
    hub.sockets.sends - before
}

fn text_of_publish() -> String {
    String::from_utf8(frames::publish(ROOM)).expect("JSON is UTF-8")
}

struct Hub {
    shard: Shard<NoStore>,
    sockets: Counting,
    now: Now,
}

impl Hub {
    fn with_members(members: u32, wire: WireIndex) -> Self {
        let mut hub = Self {
            shard: shard(),
            sockets: Counting { sends: 0 },
            now: Now {
                monotonic: Duration::from_secs(1),
                wall: Timestamp::from_unix_nanoseconds(1_700_000_000_000_000_000),
            },
        };
        let room = RoomName::new(ROOM).expect("a room's name");
        for number in 0..members {
            let who = UserName::guest(&format!("guest{number}")).expect("a guest's name");
            let mut attach = Attach::new(wire, who);
            attach.room = Some(room.clone());
            hub.shard.attach(hub.now, attach);
        }
        hub.settle();
        hub
    }

    fn publish(&mut self, frame: &str) {
        self.shard.handle_frame(0, Frame::Text(frame));
        self.settle();
    }

    fn settle(&mut self) {
        while self.shard.turn(self.now, &mut self.sockets, &mut Alone) {}
    }
}

fn shard() -> Shard<NoStore> {
    let limits = Limits {
        messages_per_second: 0,
        ..Limits::default()
    };
    let wire = |dialect| Wire {
        dialect,
        framing: Arc::new(WebSocket),
        is_handled: false,
    };
    let config = ShardConfig {
        id: ShardId(0),
        shards: 1,
        wires: Arc::new([wire(Arc::new(V1)), wire(Arc::new(Events))]),
        limits: Arc::new(limits),
        kinds: Arc::new(RoomKinds::default()),
        asks: Asks::default(),
        seed: 1,
    };
    Shard::new(config, NoStore::default())
}

/// Sockets that take everything.
struct Counting {
    sends: usize,
}

impl Sockets for Counting {
    fn send(&mut self, _: u32, bytes: &[u8]) -> Sent {
        self.sends += 1;
        Sent::Bytes(bytes.len())
    }

    fn finish(&mut self, _: u32) {}

    fn cut(&mut self, _: u32) {}
}

/// There is no other shard.
struct Alone;

impl Bus for Alone {
    fn post(&mut self, _: ShardId, letters: &mut Vec<Letter>) {
        letters.clear();
    }
}

struct WebSocket;

impl Framing for WebSocket {
    fn data(&self, kind: FrameKind, payload: &[u8], out: &mut Vec<u8>) {
        let opcode = match kind {
            FrameKind::Text => Opcode::Text,
            FrameKind::Binary => Opcode::Binary,
        };
        put_frame(out, opcode, payload);
    }

    fn ping(&self, payload: &[u8], out: &mut Vec<u8>) {
        put_frame(out, Opcode::Ping, payload);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        put_frame(out, Opcode::Pong, payload);
    }

    fn close(&self, code: Option<u16>, text: &str, out: &mut Vec<u8>) {
        put_close(out, code.unwrap_or(1000), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allocations of one publish, after enough that tables have their size.
    fn allocations(members: u32) -> u64 {
        let mut hub = Hub::with_members(members, SPEAKS_V1);
        let publish = text_of_publish();
        let frame = |time: u32| publish.replace("a-1", &format!("a-{time}"));
        (0..64).for_each(|time| hub.publish(&frame(time)));
        let frames: Vec<String> = (64..96).map(frame).collect();
        let counted = allocation_counter::measure(|| {
            for frame in &frames {
                hub.publish(frame);
            }
        });
        counted.count_total / 32
    }

    #[test]
    fn what_a_publish_allocates_does_not_depend_on_how_many_members_hear_it() {
        let (few, many) = (allocations(10), allocations(MEMBERS));
        assert_eq!(few, many);
        assert!(many <= 8, "{many} allocations for one publish");
    }

    /// Bytes that the hub holds for each member that is idle.
    fn held(wire: WireIndex) -> i64 {
        let mut hub = None;
        let counted = allocation_counter::measure(|| {
            hub = Some(Hub::with_members(MEMBERS, wire));
        });
        drop(hub);
        counted.bytes_current / i64::from(MEMBERS)
    }

    #[test]
    fn an_idle_member_holds_no_buffer_whatever_it_speaks() {
        for wire in [SPEAKS_V1, SPEAKS_EVENTS] {
            let held = held(wire);
            assert!(held <= 400, "{held} bytes with {wire:?}");
        }
    }
}
