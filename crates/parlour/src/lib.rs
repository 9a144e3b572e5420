//! Rooms in which nothing that was acknowledged is lost, for an axum application
