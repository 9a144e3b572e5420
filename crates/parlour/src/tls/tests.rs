use super::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::fs;
use std::path::PathBuf;

struct Made {
    cert: String,
    key: String,
}

fn made(change: impl FnOnce(&mut CertificateParams)) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut params);
    let cert = params.self_signed(&key).unwrap();
    Made {
        cert: cert.pem(),
        key: key.serialize_pem(),
    }
}

fn good() -> Made {
    made(|_| {})
}

fn refused(cert: &str, key: &str) -> TlsError {
    TlsKeys::from_pem(cert.as_bytes(), key.as_bytes()).unwrap_err()
}

/// A directory of its own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("parlour-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn served(keys: &TlsKeys) -> Arc<CertifiedKey> {
    keys.pair.0.load_full()
}

#[test]
fn a_pair_that_belongs_together_is_taken() {
    let Made { cert, key } = good();
    let keys = TlsKeys::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(served(&keys).cert.len(), 1);
    assert_eq!(keys.config().alpn_protocols, [b"http/1.1"]);
    assert!(keys.config().ticketer.enabled(), "sessions are resumed");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let error = refused(&good().cert, &good().key);
    assert!(matches!(error, TlsError::Mismatch { .. }), "{error}");
}

#[test]
fn what_is_empty_swapped_or_damaged_is_refused_by_name() {
    let Made { cert, key } = good();
    for (cert, key, named, expected) in [
        ("", key.as_str(), "the certificate", "holds no certificate"),
        (&key, &cert, "the certificate", "holds no certificate"),
        (&cert, "", "the private key", "holds no private key"),
        (&cert, &cert, "the private key", "holds no private key"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "the certificate",
            "damaged",
        ),
        (
            &cert,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "the private key",
            "damaged",
        ),
    ] {
        let error = refused(cert, key).to_string();
        assert!(
            error.starts_with(named) && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let old = made(|it| it.not_after = date_time_ymd(2001, 1, 1));
    let error = refused(&old.cert, &old.key);
    assert!(matches!(error, TlsError::Expired { .. }), "{error}");
    let new = made(|it| it.not_before = date_time_ymd(4001, 1, 1));
    let error = refused(&new.cert, &new.key);
    assert!(matches!(error, TlsError::NotYetValid { .. }), "{error}");
}

#[test]
fn files_are_named_in_errors() {
    let folder = Folder::new("tls-names");
    let Made { cert, key } = good();
    let (cert_file, key_file) = (
        folder.write("cert.pem", &cert),
        folder.write("key.pem", &key),
    );
    TlsKeys::read(&cert_file, &key_file).unwrap();
    let missing = folder.0.join("missing.pem");
    let error = TlsKeys::read(&missing, &key_file).unwrap_err().to_string();
    assert!(
        error.contains("missing.pem") && error.contains("check the path"),
        "{error}"
    );
    let error = TlsKeys::read(&folder.0, &key_file).unwrap_err();
    assert!(matches!(error, TlsError::Unreadable { .. }), "{error}");
    let huge = folder.write("huge.pem", &"x".repeat(FILE_BYTES_MAX as usize + 1));
    let error = TlsKeys::read(&huge, &key_file).unwrap_err();
    assert!(matches!(error, TlsError::TooLarge { .. }), "{error}");
}

#[test]
fn a_bad_reload_leaves_what_was_served() {
    let folder = Folder::new("tls-reload");
    let (first, second) = (good(), good());
    let cert = folder.write("cert.pem", &first.cert);
    let key = folder.write("key.pem", &first.key);
    let keys = TlsKeys::read(&cert, &key).unwrap();
    let before = served(&keys).cert.clone();

    folder.write("cert.pem", &second.cert);
    let error = keys.reload_from(&cert, &key).unwrap_err().to_string();
    assert!(
        error.contains("key.pem") && error.contains("cert.pem"),
        "{error}"
    );
    assert_eq!(served(&keys).cert, before);

    folder.write("key.pem", &second.key);
    keys.clone().reload_from(&cert, &key).unwrap();
    assert_ne!(served(&keys).cert, before, "clones are the same keys");
}

#[test]
fn nothing_of_a_key_is_shown() {
    let Made { cert, key } = good();
    let keys = TlsKeys::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    assert_eq!(format!("{keys:?}"), "TlsKeys(hidden)");
}
