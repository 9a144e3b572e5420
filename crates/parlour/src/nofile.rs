//! The limit of open files, which is the first bound that many connections meet.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises this process's limit of open files as far as it may go without privileges, and returns
/// it; `None` is no limit.
///
/// ```
/// match parlour::raise_nofile_limit()? {
///     Some(files) => println!("up to {files} files and sockets"),
///     None => println!("as many files and sockets as there are"),
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The operating system's; the limit is then what it was.
pub fn raise_nofile_limit() -> io::Result<Option<u64>> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                ..limit
            },
        )?;
    }
    Ok(limit.maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_as_high_as_it_may_be() {
        let raised = raise_nofile_limit().unwrap();
        assert_eq!(getrlimit(Resource::Nofile).current, raised);
    }
}
