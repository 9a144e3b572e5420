//! Which end of a connection this is: RFC 6455, 5.1.

/// The end that reads. Masks are the client's: a server asks for them, a client refuses them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Server,
    Client,
}
