//! A TLS client: rustls, which shares the library with the server and nothing else.

use std::io;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Answer, Raw, Server};

/// One TLS connection.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Server {
    /// A TLS connection that trusts nobody but the certificate in `cert`.
    pub fn tls(&self, cert: &Path) -> Tls {
        let mut trusted = RootCertStore::empty();
        trusted
            .add(CertificateDer::from_pem_file(cert).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let name = ServerName::from(self.address().ip());
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(connection, self.connect())
    }

    /// One request over TLS. The error is that of the handshake: the certificate is not trusted.
    pub fn ask_tls(&self, cert: &Path, request: &str) -> io::Result<Answer> {
        let mut tls = self.tls(cert);
        tls.conn.complete_io(&mut tls.sock)?;
        let mut raw = Raw::new(tls);
        raw.send(self.named(request).as_bytes());
        Ok(raw.answer())
    }

    /// The certificate that it made for itself.
    pub fn own_certificate(&self) -> PathBuf {
        self.data().join("tls/cert.pem")
    }
}
