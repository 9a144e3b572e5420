//! Users and sessions of the server, in one database file.
