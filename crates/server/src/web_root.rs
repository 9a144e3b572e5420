//! The operator's own pages, out of a directory and never from outside of it.

mod private;

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::spawn_blocking;
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, DefaultServeDirFallback, File, Metadata};

use crate::ServeError;
use crate::pages;
use crate::settings::Effective;

/// A page of the operator's may have scripts and styles in itself, as many small pages do; from
/// other servers it has none (D35), and none of them can show it in a frame.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; \
    font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; \
    frame-ancestors 'none'";

/// Types whose text is taken for UTF-8, as the page says nothing else.
const TEXTS: [&[u8]; 4] = [b"text/html", b"text/css", b"text/javascript", b"text/plain"];

/// A directory of pages.
#[derive(Clone)]
pub(crate) struct WebRoot(ServeDir<DefaultServeDirFallback, Beneath>);

impl WebRoot {
    /// The pages in `path`, which must not hold what is the server's own.
    pub(crate) fn open(path: &Path, effective: &Effective) -> Result<Self, ServeError> {
        let opened = Dir::open_ambient_dir(path, ambient_authority()).and_then(|dir| {
            dir.entries()?; // Whether it can be read, too.
            Ok(dir)
        });
        let dir = opened.map_err(|source| ServeError::WebRoot {
            path: path.into(),
            source,
        })?;
        private::check(path, effective)?;
        Ok(Self(ServeDir::with_backend(".", Beneath(Arc::new(dir)))))
    }

    /// Answers every request that no door took: a page, or 404.
    pub(crate) async fn answer(mut self, request: Request) -> Response {
        if !pages::is_reading(&request) {
            return pages::method_not_allowed();
        }
        // Behind a redirect, `//name/` would be another host.
        if request.uri().path().contains("//") {
            return pages::not_found();
        }
        let mut response = match self.0.try_call(request).await {
            Ok(response) if response.status() == StatusCode::NOT_FOUND => pages::not_found(),
            Ok(response) => response.map(Body::new),
            Err(error) => unreadable(&error),
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // Ask each time; the answer is nearly always 304.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        name_charset(headers);
        response
    }
}

/// Only what the operator can mend is said in the log.
fn unreadable(error: &io::Error) -> Response {
    use io::ErrorKind::{InvalidInput, IsADirectory, NotADirectory, NotFound};
    if !matches!(
        error.kind(),
        NotFound | NotADirectory | IsADirectory | InvalidInput
    ) {
        tracing::debug!(%error, "a page could not be read");
    }
    pages::not_found()
}

fn name_charset(headers: &mut HeaderMap) {
    let Some(kind) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else {
        return;
    };
    if TEXTS.contains(&kind) {
        let named = [kind, b"; charset=utf-8"].concat();
        if let Ok(named) = HeaderValue::from_bytes(&named) {
            headers.insert(CONTENT_TYPE, named);
        }
    }
}

/// Opens files beneath a directory, whatever links there are (cap-std sees to that), and none whose
/// name begins with a dot.
#[derive(Clone)]
struct Beneath(Arc<Dir>);

type Later<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl Backend for Beneath {
    type File = Opened;
    type Metadata = About;
    type OpenFuture = Later<Opened>;
    type MetadataFuture = Later<About>;

    fn open(&self, path: PathBuf) -> Later<Opened> {
        let dir = Arc::clone(&self.0);
        later(move || {
            let path = shown(&path)?;
            // Opening a pipe would wait for who writes into it.
            if !dir.metadata(&path)?.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = dir.open(&path)?.into_std();
            Ok(Opened(tokio::fs::File::from_std(file)))
        })
    }

    fn metadata(&self, path: PathBuf) -> Later<About> {
        let dir = Arc::clone(&self.0);
        later(move || {
            let about = dir.metadata(shown(&path)?)?;
            if !about.is_file() && !about.is_dir() {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(About {
                is_dir: about.is_dir(),
                modified: about.modified()?.into_std(),
                len: about.len(),
            })
        })
    }
}

/// Files are read where waiting for them holds up nobody.
fn later<T: Send + 'static>(read: impl FnOnce() -> io::Result<T> + Send + 'static) -> Later<T> {
    Box::pin(async move { spawn_blocking(read).await.map_err(io::Error::other)? })
}

/// The path in the directory, if all of it may be seen.
fn shown(path: &Path) -> io::Result<PathBuf> {
    let mut inside = PathBuf::from(".");
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) if !is_hidden(name) => inside.push(name),
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
    }
    Ok(inside)
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

struct About {
    is_dir: bool,
    modified: SystemTime,
    len: u64,
}

impl Metadata for About {
    fn is_dir(&self) -> bool {
        self.is_dir
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.modified)
    }

    fn len(&self) -> u64 {
        self.len
    }
}

struct Opened(tokio::fs::File);

impl File for Opened {
    type Metadata = About;
    type MetadataFuture<'a> = Pin<Box<dyn Future<Output = io::Result<About>> + Send + 'a>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(async move {
            let about = self.0.metadata().await?;
            Ok(About {
                is_dir: about.is_dir(),
                modified: about.modified()?,
                len: about.len(),
            })
        })
    }
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncSeek for Opened {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(context)
    }
}
