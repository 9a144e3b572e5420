//! Where the certificate comes from, and what SIGHUP does with it.

mod self_signed;

pub(crate) use self_signed::own_key;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use parlour::TlsKeys;
use tokio::time::{MissedTickBehavior, interval};

use crate::settings::{Settings, TlsMode};
use crate::{SelfSigned, ServeError};

/// Between two looks at a certificate of its own in a running server. It is made again a day before
/// it ends, so a look that comes late is still in time.
pub(crate) const LOOK_PERIOD: Duration = Duration::from_secs(12 * 60 * 60);

/// The keys that are served, and where they come from.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) keys: TlsKeys,
    from: From,
}

#[derive(Clone)]
enum From {
    Files { cert: PathBuf, key: PathBuf },
    Own { data: PathBuf, bind: IpAddr },
}

impl Certificate {
    /// What the settings ask for; `None` is plain HTTP. The second value is what people must be told
    /// of a certificate that nobody vouches for.
    pub(crate) fn of(
        settings: &Settings,
    ) -> Result<Option<(Self, Option<SelfSigned>)>, ServeError> {
        let from = match (&settings.tls_cert, &settings.tls_key) {
            (Some(cert), Some(key)) => From::Files {
                cert: cert.clone(),
                key: key.clone(),
            },
            _ if settings.tls == TlsMode::SelfSigned => From::Own {
                data: settings.data.clone(),
                bind: settings.address.ip(),
            },
            _ => return Ok(None),
        };
        Self::read(from, SystemTime::now()).map(Some)
    }

    fn read(from: From, now: SystemTime) -> Result<(Self, Option<SelfSigned>), ServeError> {
        let (cert, key, own) = from.files(now)?;
        let keys = TlsKeys::read(&cert, &key)?;
        Ok((Self { keys, from }, own))
    }

    /// Serves what the files hold now; one of its own that is about to end is made again first.
    pub(crate) fn reload(&self) -> Result<(), ServeError> {
        let (cert, key, _) = self.from.files(SystemTime::now())?;
        Ok(self.keys.reload_from(&cert, &key)?)
    }

    /// Looks now and again whether its own certificate is about to end, and serves a new one then.
    /// Files of others are theirs to renew. Never returns; drop it to end it.
    pub(crate) async fn keep_good(&self) {
        if matches!(self.from, From::Files { .. }) {
            return std::future::pending().await;
        }
        let mut looks = interval(LOOK_PERIOD);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            match self.renew(SystemTime::now()) {
                Ok(None) => {}
                Ok(Some(own)) => {
                    let fingerprint = own.fingerprint;
                    tracing::warn!(fingerprint, "the certificate was made again and is served");
                }
                Err(error) => tracing::error!(%error, "the certificate could not be made again"),
            }
        }
    }

    /// The new certificate, if another one is served from now on.
    fn renew(&self, now: SystemTime) -> Result<Option<SelfSigned>, ServeError> {
        let From::Own { data, bind } = &self.from else {
            return Ok(None);
        };
        if self_signed::is_good(data, *bind, now) {
            return Ok(None);
        }
        let (cert, key, own) = self.from.files(now)?;
        self.keys.reload_from(&cert, &key)?;
        Ok(own)
    }
}

impl From {
    fn files(&self, now: SystemTime) -> Result<(PathBuf, PathBuf, Option<SelfSigned>), ServeError> {
        match self {
            Self::Files { cert, key } => Ok((cert.clone(), key.clone(), None)),
            Self::Own { data, bind } => {
                let (own, key) = self_signed::open(data, *bind, now)?;
                Ok((own.cert.clone(), key, Some(own)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_certificate_that_is_about_to_end_is_made_again_while_it_is_served() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let data = tempfile::tempdir().unwrap();
        let from = From::Own {
            data: data.path().into(),
            bind: Ipv4Addr::LOCALHOST.into(),
        };
        let today = SystemTime::now();
        let (certificate, own) = Certificate::read(from, today - 363 * DAY).unwrap();
        let first = own.unwrap().fingerprint;
        assert_eq!(certificate.renew(today - 2 * DAY).unwrap(), None);
        let second = certificate.renew(today + DAY).unwrap().unwrap();
        assert_ne!(second.fingerprint, first);
        assert_eq!(certificate.renew(today + DAY).unwrap(), None);
    }
}
