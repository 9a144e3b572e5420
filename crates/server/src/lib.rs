//! The server: configuration, assembly, web pages
