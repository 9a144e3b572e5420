//! What a shard counts: written by the shard alone, read by anybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parlour_proto::{CloseReason, Refusal};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of one shard. Each is written by its shard only, so a read costs the shard
        /// nothing.
        #[derive(Debug, Default)]
        pub struct Stats { $($(#[$doc])* pub $name: AtomicU64,)* }

        /// The counters as plain numbers, e.g. summed over shards.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Counts {
            /// All counters with their names.
            ///
            /// ```
            /// let counts = parlour_hub::Counts { entries: 7, ..Default::default() };
            /// assert!(counts.named().any(|counter| counter == ("entries", 7)));
            /// ```
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }

        impl Stats {
            /// Adds what this shard has counted to `counts`.
            pub fn add_to(&self, counts: &mut Counts) {
                $(counts.$name += self.$name.load(Relaxed);)*
            }

            pub(crate) fn publish(&self, counts: &Counts) {
                $(self.$name.store(counts.$name, Relaxed);)*
            }
        }
    };
}

counts! {
    /// Connections that are attached now.
    connections,
    /// Connections that were attached since the start.
    attached,
    /// Rooms that have their home on this shard now.
    rooms,
    /// Bytes of logs and rings now.
    log_bytes,
    /// Entries that were numbered and became final.
    entries,
    /// Sends to members and of private output.
    sends,
    /// Bytes that were sent.
    sent_bytes,
    /// Sends that the socket took only in part or not at all (EAGAIN).
    blocked_sends,
    /// Bounded pieces of logs that were read for connections that were behind.
    replays,
    /// Publishes that came again, and were given their first answer.
    repeats,
    /// Losses that a connection was told of, by a gap notice or by its close.
    gaps,
    /// Frames that told a watcher who is in a room.
    presence_frames,
    /// Members, names and what is left of them that were gone through to know who is in a room.
    presence_steps,
    /// Commands that were refused by name; the sum of those from `bad_json` to `not_allowed`.
    refusals,
    /// Frames that were not JSON.
    bad_json,
    /// Frames of no known type.
    unknown_type,
    /// Frames without the shape of their type.
    bad_payload,
    /// Frames with a bad name of a room.
    bad_room,
    /// Joins from a position that the room cannot have given.
    bad_position,
    /// Commands for a room that the connection was not in.
    not_in_room,
    /// Joins of a room that the connection was in.
    already_joined,
    /// Joins over `Limits::rooms_per_connection_max`.
    too_many_rooms_here,
    /// Joins and publishes over `Limits::rooms_max`.
    too_many_rooms,
    /// Frames over `Limits::messages_per_second`.
    rate_limited,
    /// Publishes that could not be stored.
    not_stored,
    /// Publishes for which the disk had no space.
    disk_full,
    /// Commands for rooms whose log has stopped or cannot be read.
    store_failed,
    /// Publishes of which nobody knows whether they were stored.
    outcome_unknown,
    /// Publishes under an id that something else has.
    id_reused,
    /// Publishes that may have come before, too long ago to know.
    id_forgotten,
    /// Questions for a room that is not there.
    no_such_room,
    /// Names that break a rule.
    bad_name,
    /// Names that somebody has.
    name_taken,
    /// Commands that the application's policy does not allow.
    not_allowed,
    /// Closes that the client asked for.
    requested_closes,
    /// Closes because the server was going away.
    going_away_closes,
    /// Closes because the peer broke the WebSocket protocol.
    protocol_closes,
    /// Closes because a text was not UTF-8.
    not_utf8_closes,
    /// Closes because a message was over `Limits::message_bytes_max`.
    too_large_closes,
    /// Closes after ten bad frames in a row.
    bad_frames_closes,
    /// Connections that the server closed because they were too slow; the sum of the next two.
    slow_closes,
    /// Of these, readers that missed entries in a dialect without words for it.
    lagged_closes,
    /// Of these, readers to whom nothing could be written.
    stuck_closes,
    /// Connections that the server closed because nothing was heard of them.
    silent_closes,
    /// Connections that were closed because their session had ended.
    signed_out,
    /// Closes because of data from somebody who is to listen only.
    unexpected_closes,
    /// Closes because the application's policy does not let a connection in.
    not_allowed_closes,
    /// Closes by the application.
    application_closes,
    /// Connections that were closed because handling them failed.
    failures,
}

impl Counts {
    pub(crate) fn refusal(&mut self, refusal: Refusal) {
        self.refusals += 1;
        let count = match refusal {
            Refusal::BadJson => &mut self.bad_json,
            Refusal::UnknownType => &mut self.unknown_type,
            Refusal::BadPayload => &mut self.bad_payload,
            Refusal::BadRoom => &mut self.bad_room,
            Refusal::BadPosition => &mut self.bad_position,
            Refusal::NotInRoom => &mut self.not_in_room,
            Refusal::AlreadyJoined => &mut self.already_joined,
            Refusal::TooManyRoomsHere => &mut self.too_many_rooms_here,
            Refusal::TooManyRooms => &mut self.too_many_rooms,
            Refusal::RateLimited => &mut self.rate_limited,
            Refusal::NotStored => &mut self.not_stored,
            Refusal::DiskFull => &mut self.disk_full,
            Refusal::StoreFailed => &mut self.store_failed,
            Refusal::OutcomeUnknown => &mut self.outcome_unknown,
            Refusal::IdReused => &mut self.id_reused,
            Refusal::IdForgotten => &mut self.id_forgotten,
            Refusal::NoSuchRoom => &mut self.no_such_room,
            Refusal::BadName => &mut self.bad_name,
            Refusal::NameTaken => &mut self.name_taken,
            Refusal::NotAllowed => &mut self.not_allowed,
            _ => return,
        };
        *count += 1;
    }

    pub(crate) fn close(&mut self, reason: CloseReason) {
        let count = match reason {
            CloseReason::Requested(_) => &mut self.requested_closes,
            CloseReason::GoingAway => &mut self.going_away_closes,
            CloseReason::Protocol => &mut self.protocol_closes,
            CloseReason::NotUtf8 => &mut self.not_utf8_closes,
            CloseReason::TooLarge => &mut self.too_large_closes,
            CloseReason::TooManyBadFrames => &mut self.bad_frames_closes,
            CloseReason::Lagged => {
                self.slow_closes += 1;
                &mut self.lagged_closes
            }
            CloseReason::Stuck => {
                self.slow_closes += 1;
                &mut self.stuck_closes
            }
            CloseReason::Silent => &mut self.silent_closes,
            CloseReason::SignedOut => &mut self.signed_out,
            CloseReason::Unexpected => &mut self.unexpected_closes,
            CloseReason::NotAllowed => &mut self.not_allowed_closes,
            CloseReason::Application(_) => &mut self.application_closes,
            CloseReason::Failed => &mut self.failures,
            _ => return,
        };
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_and_every_close_has_a_count_of_its_own() {
        let changed = |change: &dyn Fn(&mut Counts)| {
            let mut counts = Counts::default();
            change(&mut counts);
            let changed = counts
                .named()
                .filter(|(name, count)| *count > 0 && !["refusals", "slow_closes"].contains(name));
            changed.map(|(name, _)| name).collect::<Vec<_>>()
        };
        let mut names = Vec::new();
        for refusal in Refusal::ALL {
            names.extend(changed(&|counts| counts.refusal(refusal)));
        }
        for reason in CloseReason::ALL {
            names.extend(changed(&|counts| counts.close(reason)));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Refusal::ALL.len() + CloseReason::ALL.len());
    }
}
