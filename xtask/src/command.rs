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
    pass_on(BufReader::new(pipe), std::io::stdout(), &mut look);
    child.wait().map_err(|source| not_started(command, source))
}

fn pass_on(output: impl BufRead, mut out: impl Write, look: &mut impl FnMut(&str)) {
    for line in output.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // A closed stdout of ours is no reason to stop the child half-way.
        let _ = writeln!(out, "{line}");
        look(&line);
    }
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
    fn every_line_is_passed_on_and_looked_at() {
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        pass_on(&b"one\n\xff\nlast"[..], &mut out, &mut |line| {
            seen.push(line.to_owned());
        });
        assert_eq!(seen, ["one", "\u{fffd}", "last"]);
        assert_eq!(String::from_utf8(out).unwrap(), "one\n\u{fffd}\nlast\n");
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_command() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let status = stream(&mut command, |_| ()).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(
            check(&command, status)
                .unwrap_err()
                .to_string()
                .contains("`sh -c exit 3` failed")
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
