//! Is this a certificate and its key, and would a client take it today?

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, RootCertStore};

use super::TlsError;

/// A name for errors, and PEM.
type Named<'a> = (&'a str, &'a [u8]);

/// The pair that both make, if they can be served now.
pub(super) fn pair(
    (cert_name, cert): Named<'_>,
    (key_name, key): Named<'_>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = chain(cert_name, cert)?;
    check_time(cert_name, &chain, provider)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey {
            file: key_name.to_owned(),
        },
        error => malformed(key_name, &error),
    })?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| malformed(key_name, &error))?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            cert: cert_name.to_owned(),
            key: key_name.to_owned(),
        }),
        Err(error) => Err(malformed(cert_name, &error)),
    }
}

fn chain(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| malformed(name, &error))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate {
            file: name.to_owned(),
        });
    }
    Ok(chain)
}

/// Asks the verifier that a client would ask. It looks at the time before it looks for a root, and
/// here it has none to find, so only what it says of the time counts.
fn check_time(
    name: &str,
    chain: &[CertificateDer<'static>],
    provider: &CryptoProvider,
) -> Result<(), TlsError> {
    let Some((own, rest)) = chain.split_first() else {
        return Err(TlsError::NoCertificate {
            file: name.to_owned(),
        });
    };
    let own = ParsedCertificate::try_from(own).map_err(|error| malformed(name, &error))?;
    let verified = verify_server_cert_signed_by_trust_anchor(
        &own,
        &RootCertStore::empty(),
        rest,
        UnixTime::now(),
        provider.signature_verification_algorithms.all,
    );
    let file = || name.to_owned();
    match verified {
        Err(Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Err(TlsError::Expired { file: file() }),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err(TlsError::NotYetValid { file: file() }),
        _ => Ok(()),
    }
}

fn malformed(name: &str, error: &dyn std::error::Error) -> TlsError {
    TlsError::Malformed {
        file: name.to_owned(),
        reason: error.to_string(),
    }
}
