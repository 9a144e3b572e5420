//! `parlour serve`.

mod announce;
mod arguments;

use std::io::{self, Write};

use parlour_server::{ServeError, settings};

use announce::announce;
pub(crate) use arguments::ServeArguments;

/// Serves until a signal, or prints the configuration.
pub(crate) fn run(arguments: &ServeArguments) -> Result<(), ServeError> {
    let effective = arguments.given().resolve()?;
    if arguments.prints_config {
        // Nobody may be reading; that is no mistake of the settings.
        let _ = write!(io::stdout().lock(), "{}", settings::print(&effective));
        return Ok(());
    }
    parlour_server::serve(&effective, |listening| {
        // Nobody may be reading; that is no reason not to serve.
        let _ = announce(&mut io::stdout().lock(), listening);
    })
}
