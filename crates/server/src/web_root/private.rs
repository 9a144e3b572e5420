//! Files of the server's own that must not be among the pages.

use std::path::{Path, PathBuf};

use parlour_accounts::Book;

use crate::ServeError;
use crate::settings::Effective;
use crate::tls::own_key;

/// Looks whether the directory of pages has something of the server's own in it.
pub(super) fn check(root: &Path, effective: &Effective) -> Result<(), ServeError> {
    let real = root.canonicalize().map_err(|source| ServeError::WebRoot {
        path: root.into(),
        source,
    })?;
    let served = private_files(effective)
        .into_iter()
        .find(|(path, _, _)| real_path(path).is_some_and(|path| path.starts_with(&real)));
    match served {
        Some((path, what, fix)) => Err(ServeError::WebRootHolds {
            root: root.into(),
            what,
            path,
            fix,
        }),
        None => Ok(()),
    }
}

/// Where a file is behind all links, or will be when it is made. What has no place is missed elsewhere.
fn real_path(path: &Path) -> Option<PathBuf> {
    path.canonicalize()
        .or_else(|_| {
            let parent = path.parent().unwrap_or(path).canonicalize()?;
            Ok::<_, std::io::Error>(parent.join(path.file_name().unwrap_or_default()))
        })
        .ok()
}

type Private = (PathBuf, &'static str, &'static str);

/// What nobody else may read, what it is, and how it is moved.
fn private_files(effective: &Effective) -> Vec<Private> {
    let it = effective.settings();
    let (key, book) = (own_key(&it.data), it.data.join(Book::FILE_NAME));
    // The secrets of the data directory, too: they may be links, or the pages may lie in it.
    let all = [
        (Some(it.data.clone()), "the data directory", "--data DIR"),
        (Some(key), "the server's own key", "--data DIR"),
        (Some(book), "the accounts", "--data DIR"),
        (it.tls_key.clone(), "the key", "--tls-key FILE"),
        (
            it.publish_token_file.clone(),
            "the token",
            "--publish-token-file FILE",
        ),
        (
            it.operator_token_file.clone(),
            "the token",
            "--operator-token-file FILE",
        ),
        (
            effective.config().map(Into::into),
            "the configuration",
            "--config FILE",
        ),
    ];
    all.into_iter()
        .filter_map(|(path, what, fix)| Some((path?, what, fix)))
        .collect()
}
