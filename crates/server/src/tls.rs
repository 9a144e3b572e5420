//! Where the certificate comes from, and what SIGHUP does with it.

mod self_signed;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use parlour::TlsKeys;

use crate::settings::{Settings, TlsMode};
use crate::{SelfSigned, ServeError};

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
        let (cert, key, own) = from.files()?;
        let keys = TlsKeys::read(&cert, &key)?;
        Ok(Some((Self { keys, from }, own)))
    }

    /// Serves what the files hold now; one of its own that is about to end is made again first.
    pub(crate) fn reload(&self) -> Result<(), ServeError> {
        let (cert, key, _) = self.from.files()?;
        Ok(self.keys.reload_from(&cert, &key)?)
    }
}

impl From {
    fn files(&self) -> Result<(PathBuf, PathBuf, Option<SelfSigned>), ServeError> {
        match self {
            Self::Files { cert, key } => Ok((cert.clone(), key.clone(), None)),
            Self::Own { data, bind } => {
                let (own, key) = self_signed::open(data, *bind, SystemTime::now())?;
                Ok((own.cert.clone(), key, Some(own)))
            }
        }
    }
}
