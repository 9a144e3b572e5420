//! Why the server closes a connection: one table of codes and texts.

/// A close by the server. Never an error of the server's own, except [`Self::Failed`].
///
/// ```
/// use parlour_proto::CloseReason;
/// let reason = CloseReason::Lagged;
/// assert_eq!((reason.code(), reason.name()), (Some(1008), "lagged"));
/// assert!(reason.may_come_back() && !CloseReason::TooLarge.may_come_back());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client asked for it; its code is answered with the same code (docs/seeds.md, 2.31).
    Requested(Option<u16>),
    /// The server is going away; come back.
    GoingAway,
    /// The peer broke RFC 6455.
    Protocol,
    /// A text was not UTF-8 (RFC 6455, 8.1).
    NotUtf8,
    /// A message was larger than `--max-message-bytes`.
    TooLarge,
    /// Ten bad frames in a row.
    TooManyBadFrames,
    /// The log has moved past this reader, and its dialect has no words for a gap.
    Lagged,
    /// Nothing could be written for the slow reader's time.
    Stuck,
    /// No byte came for the ping interval and the pong's time.
    Silent,
    /// The session of this connection has ended: signed out, removed, or a new password.
    SignedOut,
    /// Data came from somebody who is to listen only (docs/seeds.md, 3.18).
    Unexpected,
    /// The application's policy does not let this connection in.
    NotAllowed,
    /// The application closes it, with a code of its own: 1000, or 3000 to 4999 (RFC 6455, 7.4.2).
    Application(u16),
    /// Handling this connection failed inside the server; only this connection is affected.
    Failed,
}

impl CloseReason {
    /// Every close that the server begins; that of the application with the code of a normal one.
    pub const ALL: [Self; 13] = [
        Self::GoingAway,
        Self::Protocol,
        Self::NotUtf8,
        Self::TooManyBadFrames,
        Self::Lagged,
        Self::Stuck,
        Self::Silent,
        Self::SignedOut,
        Self::Unexpected,
        Self::NotAllowed,
        Self::Application(1000),
        Self::TooLarge,
        Self::Failed,
    ];

    /// The name of this close on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::GoingAway => "going_away",
            Self::Protocol => "protocol",
            Self::NotUtf8 => "not_utf8",
            Self::TooLarge => "too_large",
            Self::TooManyBadFrames => "bad_frames",
            Self::Lagged => "lagged",
            Self::Stuck => "stuck",
            Self::Silent => "silent",
            Self::SignedOut => "signed_out",
            Self::Unexpected => "unexpected",
            Self::NotAllowed => "not_allowed",
            Self::Application(_) => "application",
            Self::Failed => "failed",
        }
    }

    /// Whether coming back the same way will help.
    #[must_use]
    pub fn may_come_back(self) -> bool {
        matches!(
            self,
            Self::GoingAway | Self::Lagged | Self::Stuck | Self::Silent | Self::Failed
        )
    }

    /// The close code (RFC 6455, 7.4.1), or `None` for a close without one.
    #[must_use]
    pub fn code(self) -> Option<u16> {
        match self {
            Self::Requested(code) => code,
            Self::GoingAway => Some(1001),
            Self::Protocol => Some(1002),
            Self::NotUtf8 => Some(1007),
            Self::TooManyBadFrames
            | Self::Lagged
            | Self::Stuck
            | Self::Silent
            | Self::SignedOut
            | Self::Unexpected
            | Self::NotAllowed => Some(1008),
            Self::Application(code) => Some(code),
            Self::TooLarge => Some(1009),
            Self::Failed => Some(1011),
        }
    }

    /// The text beside the code: at most 123 bytes.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Requested(_) => "",
            Self::GoingAway => "the server is going away",
            Self::Protocol => "the peer broke the WebSocket protocol",
            Self::NotUtf8 => "a text was not UTF-8",
            Self::TooLarge => "the message is larger than the server takes",
            Self::TooManyBadFrames => "ten bad frames in a row",
            Self::Lagged => "connection too slow: entries were missed",
            Self::Stuck => "connection too slow: nothing could be written",
            Self::Silent => "no sign of life",
            Self::SignedOut => "signed out: the session has ended",
            Self::Unexpected => "unexpected data message",
            Self::NotAllowed => "not allowed here",
            Self::Application(_) => "closed by the application",
            Self::Failed => "the server failed in handling this connection",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CloseReason;

    #[test]
    fn texts_fit_a_close_frame() {
        for reason in CloseReason::ALL {
            assert!(reason.text().len() <= 123, "{reason:?}");
            assert!(reason.code().is_some(), "{reason:?}");
        }
    }
}
