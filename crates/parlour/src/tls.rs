//! TLS keys: read, checked, and swapped while they are in use.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

mod check;
mod error;

pub use error::TlsError;

/// Bytes of a certificate or key file; over it: refused.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A certificate chain and its key, which can be swapped while they are served. Clones are the same
/// keys: what one is [reloaded](Self::reload_from) with, all serve.
///
/// ```no_run
/// # async fn run(router: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// use parlour::{Listener, TlsKeys};
/// let keys = TlsKeys::read("cert.pem".as_ref(), "key.pem".as_ref())?;
/// let socket = tokio::net::TcpListener::bind("0.0.0.0:443").await?;
/// let listener = Listener::new(socket).tls(keys.clone());
/// tokio::spawn(listener.serve(router, std::future::pending()));
/// // …and when the files have changed:
/// keys.reload_from("cert.pem".as_ref(), "key.pem".as_ref())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsKeys {
    pair: Arc<Swappable>,
    config: Arc<ServerConfig>,
}

/// What the next handshake is answered with.
struct Swappable(ArcSwap<CertifiedKey>);

impl TlsKeys {
    /// Reads a PEM file with the certificate and its chain, the server's own first, and a PEM file
    /// with its private key (PKCS#8, PKCS#1 or SEC1, not encrypted).
    ///
    /// # Errors
    /// [`TlsError`], which names the file and what to do: it cannot be read, has nothing of its
    /// kind in it, is out of its time, or the two do not belong together.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = read_pair(cert, key, &provider)?;
        Self::of(pair, provider)
    }

    /// Like [`read`](Self::read), from what stands in such files.
    ///
    /// # Errors
    /// As there; the parts are named instead of files.
    pub fn from_pem(cert: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = check::pair(
            ("the certificate", cert),
            ("the private key", key),
            &provider,
        )?;
        Self::of(pair, provider)
    }

    /// Serves what these files hold to all connections from now on. Connections that are there
    /// keep what they have.
    ///
    /// # Errors
    /// As in [`read`](Self::read); then what was served is served further.
    pub fn reload_from(&self, cert: &Path, key: &Path) -> Result<(), TlsError> {
        let pair = read_pair(cert, key, self.config.crypto_provider())?;
        self.pair.0.store(Arc::new(pair));
        Ok(())
    }

    /// What connections are accepted with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    fn of(pair: CertifiedKey, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let pair = Arc::new(Swappable(ArcSwap::from_pointee(pair)));
        let config = config(Arc::clone(&pair), provider).map_err(|error| TlsError::System {
            reason: error.to_string(),
        })?;
        Ok(Self {
            pair,
            config: Arc::new(config),
        })
    }
}

/// TLS 1.3 and 1.2, HTTP/1.1, sessions that can be resumed. The provider is named and never the
/// process's default, which two crates of one program may disagree about.
fn config(
    pair: Arc<Swappable>,
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(pair);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// Says nothing of what it holds.
impl fmt::Debug for TlsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsKeys(hidden)")
    }
}

impl fmt::Debug for Swappable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Swappable(hidden)")
    }
}

impl ResolvesServerCert for Swappable {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn read_pair(cert: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let (cert_name, key_name) = (cert.display().to_string(), key.display().to_string());
    let (cert, key) = (read_file(cert, &cert_name)?, read_file(key, &key_name)?);
    check::pair((&cert_name, &cert), (&key_name, &key), provider)
}

fn read_file(path: &Path, name: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        file: name.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TlsError::TooLarge {
            file: name.to_owned(),
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
