//! Why a certificate and a key are not served.

use std::io;

/// Why a certificate and a key are not served. The operator's to mend: each text names the file
/// (or the part, where there is no file) and what to do.
///
/// ```
/// use parlour::{TlsError, TlsKeys};
/// let none = TlsKeys::from_pem(b"", b"");
/// assert!(matches!(none, Err(TlsError::NoCertificate { .. })));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No such file, no right to read it, or a directory.
    #[error("{file} cannot be read: {source}; check the path and who may read it")]
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// Over 1 MiB.
    #[error(
        "{file} is larger than 1 MiB, so it is no PEM file of a certificate or key; check the path"
    )]
    TooLarge {
        /// Which.
        file: String,
    },
    /// Empty, or of another format.
    #[error(
        "{file} holds no certificate: it must have one in PEM, beginning with \
         `-----BEGIN CERTIFICATE-----`, the server's own first and then its chain"
    )]
    NoCertificate {
        /// Which.
        file: String,
    },
    /// Empty, encrypted, or of another format.
    #[error(
        "{file} holds no private key: it must have one in PEM, beginning with \
         `-----BEGIN PRIVATE KEY-----` (or `RSA` or `EC`) and not encrypted"
    )]
    NoKey {
        /// Which.
        file: String,
    },
    /// Damaged, or of a kind that TLS does not use.
    #[error("{file} is damaged or of a kind that is not served ({reason}); make it again")]
    Malformed {
        /// Which.
        file: String,
        /// What was found.
        reason: String,
    },
    /// The certificate is of another key.
    #[error(
        "{key} is not the key of the certificate in {cert}; give two files that were made together"
    )]
    Mismatch {
        /// The certificate's file.
        cert: String,
        /// The key's file.
        key: String,
    },
    /// Clients would refuse it.
    #[error("the certificate in {file} has expired; renew it, or set this machine's clock right")]
    Expired {
        /// Which.
        file: String,
    },
    /// Clients would refuse it.
    #[error("the certificate in {file} is not valid yet; set this machine's clock right, or wait")]
    NotYetValid {
        /// Which.
        file: String,
    },
    /// No random bytes: the operating system is out of something.
    #[error("TLS could not be set up: {reason}")]
    System {
        /// Why.
        reason: String,
    },
}
