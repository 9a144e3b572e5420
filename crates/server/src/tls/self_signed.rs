//! A certificate that nobody vouches for, kept in `DATA/tls/` for as long as it is good.
//!
//! `made.json` says what the other two files are, and is believed where they are what it says. It is
//! taken away first and written last, so a stop in between leaves a pair that is made again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parlour::TlsKeys;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{SelfSigned, ServeError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a new one is good.
const LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What is known of the pair that lies there.
#[derive(Deserialize, Serialize)]
struct Made {
    names: Vec<String>,
    /// In seconds since 1970.
    ends: u64,
    fingerprint: String,
}

/// The certificate for a server at `bind`, and the file of its key: what lies in the data directory,
/// or a new pair if there is none, its names are others, it ends within a day, it is not the one that
/// was made, or others can read its key.
pub(super) fn open(
    data: &Path,
    bind: IpAddr,
    now: SystemTime,
) -> Result<(SelfSigned, PathBuf), ServeError> {
    let directory = data.join("tls");
    let (cert, key) = (directory.join("cert.pem"), own_key(data));
    let names = names(bind);
    let fingerprint = match fingerprint_of_good(&directory, &names, now) {
        Some(fingerprint) => fingerprint,
        None => make(&directory, names, now).map_err(|source| ServeError::OwnCertificate {
            path: directory.clone(),
            source,
        })?,
    };
    Ok((SelfSigned { cert, fingerprint }, key))
}

/// Where the key lies.
pub(crate) fn own_key(data: &Path) -> PathBuf {
    data.join("tls").join("key.pem")
}

/// Whether what lies there can be served further.
pub(super) fn is_good(data: &Path, bind: IpAddr, now: SystemTime) -> bool {
    fingerprint_of_good(&data.join("tls"), &names(bind), now).is_some()
}

/// What clients on this machine call it, and the address that it listens on.
fn names(bind: IpAddr) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let bind = bind.to_canonical();
    let is_new = !bind.is_unspecified() && !names.contains(&bind.to_string());
    names.extend(is_new.then(|| bind.to_string()));
    names
}

fn fingerprint_of_good(directory: &Path, names: &[String], now: SystemTime) -> Option<String> {
    let made: Made = serde_json::from_slice(&fs::read(directory.join("made.json")).ok()?).ok()?;
    let is_good = made.names == names && seconds(now + DAY) < made.ends;
    let pair = ["cert.pem", "key.pem"].map(|file| directory.join(file));
    let [cert, key] = pair.each_ref().map(fs::read);
    let cert = cert.ok()?;
    let is_the_one = fingerprint(&der(&cert)?) == made.fingerprint;
    let is_private = pair[1].metadata().ok()?.permissions().mode() & 0o077 == 0;
    // Also whether the key is that of the certificate.
    let is_whole = TlsKeys::from_pem(&cert, &Zeroizing::new(key.ok()?)).is_ok();
    (is_good && is_the_one && is_private && is_whole).then_some(made.fingerprint)
}

/// The first certificate in PEM (RFC 7468).
fn der(pem: &[u8]) -> Option<Vec<u8>> {
    let (_, rest) = str::from_utf8(pem)
        .ok()?
        .split_once("-----BEGIN CERTIFICATE-----")?;
    let (base64, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let digits: String = base64.split_ascii_whitespace().collect();
    STANDARD.decode(digits).ok()
}

fn make(directory: &Path, names: Vec<String>, now: SystemTime) -> io::Result<String> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let mut params = CertificateParams::new(names.clone()).map_err(io::Error::other)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Parlour, for tests");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let ends = seconds(now + LIFE);
    // A client's clock may be behind.
    params.not_before = epoch + Duration::from_secs(seconds(now - DAY));
    params.not_after = epoch + Duration::from_secs(ends);
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;

    let fingerprint = fingerprint(certificate.der());
    let made = Made {
        names,
        ends,
        fingerprint: fingerprint.clone(),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let description = directory.join("made.json");
    match fs::remove_file(&description) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write(
        &directory.join("key.pem"),
        0o600,
        key.serialize_pem().as_bytes(),
    )?;
    write(
        &directory.join("cert.pem"),
        0o644,
        certificate.pem().as_bytes(),
    )?;
    write(&description, 0o600, &serde_json::to_vec(&made)?)?;
    // The files are there after a crash only if their directories say so.
    for directory in [Some(directory), directory.parent()].into_iter().flatten() {
        File::open(directory)?.sync_all()?;
    }
    Ok(fingerprint)
}

/// A new file takes the old one's place at once, and never has another mode.
fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// As browsers and `openssl x509 -fingerprint -sha256` show it.
fn fingerprint(certificate: &[u8]) -> String {
    let hash = Sha256::digest(certificate);
    let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn today() -> SystemTime {
        SystemTime::now()
    }

    #[test]
    fn a_pair_is_made_once_and_only_this_user_reads_its_key() {
        let data = tempfile::tempdir().unwrap();
        let (first, key) = open(data.path(), LOOPBACK, today()).unwrap();
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        TlsKeys::read(&first.cert, &key).unwrap();
        let (again, _) = open(data.path(), LOOPBACK, today()).unwrap();
        assert_eq!(again.fingerprint, first.fingerprint);
        assert_eq!(first.fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn it_is_made_again_when_it_ends_when_its_names_change_and_when_it_is_not_whole() {
        let data = tempfile::tempdir().unwrap();
        let mut last = open(data.path(), LOOPBACK, today()).unwrap().0.fingerprint;
        let mut is_new = |bind: &str, now| {
            let (own, key) = open(data.path(), bind.parse().unwrap(), now).unwrap();
            TlsKeys::from_pem(&fs::read(own.cert).unwrap(), &fs::read(key).unwrap())
                .map(drop)
                .or_else(|error| if now > today() { Ok(()) } else { Err(error) })
                .unwrap();
            own.fingerprint != std::mem::replace(&mut last, own.fingerprint.clone())
        };
        assert!(is_new("192.0.2.1", today()), "another address");
        assert!(!is_new("192.0.2.1", today()));
        assert!(is_new("0.0.0.0", today()), "every address is no name");
        assert!(!is_new("::", today()));
        assert!(!is_new("127.0.0.1", today() + LIFE - 2 * DAY));
        assert!(is_new("127.0.0.1", today() + LIFE), "it has ended");
        fs::remove_file(data.path().join("tls/made.json")).unwrap();
        assert!(is_new("127.0.0.1", today()));
        fs::remove_file(data.path().join("tls/key.pem")).unwrap();
        assert!(is_new("127.0.0.1", today()));
    }

    /// What is told is what is served, and the key was nobody else's.
    #[test]
    fn a_pair_that_is_not_the_one_that_was_made_is_made_again() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, key) = open(data.path(), LOOPBACK, today()).unwrap();
        let (theirs, their_key) = open(other.path(), LOOPBACK, today()).unwrap();
        let mut last = first.fingerprint;
        let mut is_new = || {
            let (own, key) = open(data.path(), LOOPBACK, today()).unwrap();
            TlsKeys::read(&own.cert, &key).unwrap();
            let served = fingerprint(&der(&fs::read(own.cert).unwrap()).unwrap());
            assert_eq!(own.fingerprint, served);
            assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            own.fingerprint != std::mem::replace(&mut last, own.fingerprint.clone())
        };
        assert!(!is_new());
        fs::copy(&theirs.cert, &first.cert).unwrap();
        assert!(is_new(), "another certificate");
        fs::copy(&their_key, &key).unwrap();
        assert!(is_new(), "another key");
        fs::copy(&theirs.cert, &first.cert).unwrap();
        fs::copy(&their_key, &key).unwrap();
        assert!(is_new(), "another pair");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(is_new(), "others could read the key");
        assert!(!is_new());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = open(file.path(), LOOPBACK, today())
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("--tls-cert"), "{refused}");
    }
}
