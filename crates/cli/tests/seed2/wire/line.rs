//! The way to a server, and one connection on it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Outcome, while_doing};

/// Where a server listens, how it is spoken to, and how long one waits for it.
#[derive(Clone)]
pub struct Way {
    pub address: SocketAddr,
    pub patience: Duration,
    tls: Option<Arc<ClientConfig>>,
}

impl Way {
    pub fn plain(address: SocketAddr, patience: Duration) -> Self {
        Self {
            address,
            patience,
            tls: None,
        }
    }

    /// Trusts this certificate and no other, and checks it as a browser would.
    pub fn tls(address: SocketAddr, patience: Duration, certificate: &[u8]) -> Outcome<Self> {
        let certificate =
            CertificateDer::from_pem_slice(certificate).map_err(while_doing("the certificate"))?;
        let mut roots = RootCertStore::empty();
        roots
            .add(certificate)
            .map_err(while_doing("the certificate"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(while_doing("TLS"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address,
            patience,
            tls: Some(Arc::new(config)),
        })
    }

    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The origin of the server's own pages.
    pub fn origin(&self) -> String {
        let scheme = if self.is_tls() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// A new connection.
    pub fn line(&self) -> Outcome<Line> {
        let stream = TcpStream::connect(self.address).map_err(while_doing("connecting"))?;
        let set = |result: io::Result<()>| result.map_err(while_doing("a socket's option"));
        set(stream.set_read_timeout(Some(self.patience)))?;
        set(stream.set_write_timeout(Some(self.patience)))?;
        set(stream.set_nodelay(true))?;
        let Some(config) = &self.tls else {
            return Ok(Line::Plain(stream));
        };
        let name = ServerName::IpAddress(self.address.ip().into());
        let session =
            ClientConnection::new(Arc::clone(config), name).map_err(while_doing("TLS"))?;
        Ok(Line::Tls(Box::new(StreamOwned::new(session, stream))))
    }
}

/// One connection.
pub enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Line {
    /// The TCP connection underneath.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
