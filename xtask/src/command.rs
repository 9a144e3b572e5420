//! Child processes: no standard input, output streamed through, failures with the command's words.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::error::ChoreError;

/// The cargo that runs this chore.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end with output straight through.
///
/// # Errors
/// When the program cannot be started or does not exit with 0.
pub(crate) fn run(command: &mut Command) -> Result<(), ChoreError> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| not_started(command, source))?;
    check(command, status)
}

/// Runs to the end and returns standard output; standard error goes straight through.
///
/// # Errors
/// As [`run`].
pub(crate) fn capture(command: &mut Command) -> Result<String, ChoreError> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| not_started(command, source))?;
    check(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs to the end, passes standard output through line by line and shows each line to `look`.
///
/// # Errors
/// When the program cannot be started; its verdict is the returned status.
pub(crate) fn stream(
    command: &mut Command,
    mut look: impl FnMut(&str),
) -> Result<ExitStatus, ChoreError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| not_started(command, source))?;
    let pipe = child
        .stdout
        .take()
        .expect("stdout was piped two lines above");
    let mut out = std::io::stdout();
    for line in BufReader::new(pipe).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        // A closed stdout of ours is no reason to stop the child half-way.
        let _ = writeln!(out, "{line}");
        look(&line);
    }
    child.wait().map_err(|source| not_started(command, source))
}

/// True when the program starts and exits with 0; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Turns a status other than 0 into an error.
///
/// # Errors
/// When `status` is not success.
pub(crate) fn check(command: &Command, status: ExitStatus) -> Result<(), ChoreError> {
    if status.success() {
        return Ok(());
    }
    Err(ChoreError::Failed {
        command: words(command),
        status,
    })
}

/// The command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The error for a program that did not start.
pub(crate) fn not_started(command: &Command, source: std::io::Error) -> ChoreError {
    ChoreError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_shows_every_line_and_the_verdict() {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two; exit 3"]);
        let status = stream(&mut command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(status.code(), Some(3));
        assert!(
            check(&command, status)
                .unwrap_err()
                .to_string()
                .contains("sh -c echo one")
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(
            error.to_string().contains("no-such-program-anywhere"),
            "{error}"
        );
    }
}
