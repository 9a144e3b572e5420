//! Why a command was refused. The connection stays; nothing else changes.

/// A refused command, by name. [`code`](Self::code) is what clients match on, the text is for people
/// and fits every dialect.
///
/// ```
/// use parlour_proto::Refusal;
/// assert_eq!(Refusal::NotInRoom.code(), "not_in_room");
/// assert!(Refusal::RateLimited.may_pass_later());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The frame is not JSON.
    #[error("this frame is not JSON")]
    BadJson,
    /// The frame has no type, or one that this door does not know.
    #[error("this frame has no type, or one that this door does not know")]
    UnknownType,
    /// The frame does not have the shape that its type asks for.
    #[error("this frame does not have the shape that its type asks for")]
    BadPayload,
    /// The room's name breaks a rule.
    #[error(
        "a room's name has 1 to 128 bytes, no control or invisible characters, and no $ at the start"
    )]
    BadRoom,
    /// The position is none that this room can have given.
    #[error("this room never gave out that position; join without one")]
    BadPosition,
    /// The connection is not in the room that the command is about.
    #[error("this connection is not in that room; join it first")]
    NotInRoom,
    /// The connection is in that room already.
    #[error("this connection is in that room already")]
    AlreadyJoined,
    /// This connection is in as many rooms as it may be.
    #[error("this connection is in as many rooms as it may be; leave one first")]
    TooManyRoomsHere,
    /// The server has as many rooms as it may have.
    #[error("the server has as many rooms as it may have; try again later")]
    TooManyRooms,
    /// The connection has sent more than it may.
    #[error("too many messages; slow down")]
    RateLimited,
    /// The store refused the entry; it is nowhere, and may be sent again.
    #[error("the entry could not be stored; it was not published, send it again later")]
    NotStored,
    /// The disk is full; the entry is nowhere, and may be sent again.
    #[error("the server's disk is full; nothing was published, send it again later")]
    DiskFull,
    /// The log of the room has stopped, or cannot be read. The operator must look.
    #[error("the log of this room has failed; the operator must look")]
    StoreFailed,
    /// Whether the entry was stored is not known yet, as the store does not say so for long, or before
    /// the server has been started again.
    #[error("whether this was stored is not known yet; send it again later with the same id")]
    OutcomeUnknown,
    /// The same id was published with something else in it.
    #[error("something else was published with that id; choose another")]
    IdReused,
    /// So long ago that the server does not know whether this id was published.
    #[error("whether that id was published since then is no longer known")]
    IdForgotten,
    /// Nobody has said anything in a room of that name, or it is forgotten.
    #[error("there is no such room")]
    NoSuchRoom,
    /// The name that was asked for breaks a rule.
    #[error(
        "a nickname has 1 to 64 bytes, no control or invisible characters, and no guest- at its start"
    )]
    BadName,
    /// Somebody has that name.
    #[error("somebody has that name; choose another")]
    NameTaken,
    /// The application's policy does not allow it.
    #[error("this is not allowed here")]
    NotAllowed,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::BadJson,
        Self::UnknownType,
        Self::BadPayload,
        Self::BadRoom,
        Self::BadPosition,
        Self::NotInRoom,
        Self::AlreadyJoined,
        Self::TooManyRoomsHere,
        Self::TooManyRooms,
        Self::RateLimited,
        Self::NotStored,
        Self::DiskFull,
        Self::StoreFailed,
        Self::OutcomeUnknown,
        Self::IdReused,
        Self::IdForgotten,
        Self::NoSuchRoom,
        Self::BadName,
        Self::NameTaken,
        Self::NotAllowed,
    ];

    /// The name of this refusal on the wire.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::UnknownType => "unknown_type",
            Self::BadPayload => "bad_payload",
            Self::BadRoom => "bad_room",
            Self::BadPosition => "bad_position",
            Self::NotInRoom => "not_in_room",
            Self::AlreadyJoined => "already_joined",
            Self::TooManyRoomsHere => "too_many_rooms_here",
            Self::TooManyRooms => "too_many_rooms",
            Self::RateLimited => "rate_limited",
            Self::NotStored => "not_stored",
            Self::DiskFull => "disk_full",
            Self::StoreFailed => "store_failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::IdReused => "id_reused",
            Self::IdForgotten => "id_forgotten",
            Self::NoSuchRoom => "no_such_room",
            Self::BadName => "bad_name",
            Self::NameTaken => "name_taken",
            Self::NotAllowed => "not_allowed",
        }
    }

    /// Whether the frame itself was bad, so that ten in a row end the connection (docs/seeds.md, E2).
    ///
    /// ```
    /// use parlour_proto::Refusal;
    /// assert!(Refusal::BadJson.is_bad_frame() && !Refusal::NotInRoom.is_bad_frame());
    /// ```
    #[must_use]
    pub fn is_bad_frame(self) -> bool {
        matches!(
            self,
            Self::BadJson | Self::UnknownType | Self::BadPayload | Self::BadRoom
        )
    }

    /// Whether the same command may succeed later.
    #[must_use]
    pub fn may_pass_later(self) -> bool {
        matches!(
            self,
            Self::TooManyRooms
                | Self::RateLimited
                | Self::NotStored
                | Self::DiskFull
                | Self::StoreFailed
                | Self::OutcomeUnknown
        )
    }
}
