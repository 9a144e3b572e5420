//! Who gets what, in which order: rooms as logs, members as cursors, without sockets or clock
