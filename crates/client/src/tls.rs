//! Whom to trust, and the stream that comes of it.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Who may vouch for a server.
#[derive(Clone)]
pub(crate) enum Trust {
    /// The authorities of the system.
    System,
    /// These and no others.
    Only(Arc<RootCertStore>),
}

/// Why a file of certificates cannot be used. The caller's, or the file's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// It cannot be read as PEM.
    #[error("cannot read certificates from {path}: {why}; it must be a PEM file")]
    Unreadable {
        /// Which file.
        path: String,
        /// What went wrong.
        why: String,
    },
    /// No certificate in it.
    #[error("there is no certificate in {0}; a key alone does not help")]
    Empty(String),
}

impl Trust {
    pub(crate) fn only(path: &Path) -> Result<Self, CaError> {
        let name = || path.display().to_string();
        let unreadable = |why: String| CaError::Unreadable { path: name(), why };
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            let added = roots.add(certificate);
            added.map_err(|error| unreadable(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(CaError::Empty(name()));
        }
        Ok(Self::Only(Arc::new(roots)))
    }

    /// What a handshake needs. Reads the system's files: once per client.
    pub(crate) fn connector(&self) -> Result<TlsConnector, String> {
        let roots = match self {
            Self::Only(roots) => Arc::clone(roots),
            Self::System => Arc::new(system()?),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(ToString::to_string);
        let why = why.unwrap_or_else(|| "none are installed".into());
        return Err(format!(
            "the system's certificate authorities cannot be used: {why}"
        ));
    }
    Ok(roots)
}

/// A connection to a server, with TLS or without.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The TLS handshake.
    pub(crate) async fn secure(
        connector: &TlsConnector,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = connector.connect(name, stream).await?;
        Ok(Self::Tls(Box::new(stream)))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
