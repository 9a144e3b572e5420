//! What the documents print is what works: D50. Their Rust is compiled as documentation tests.

use std::process::{Command, Stdio};

use crate::wire::{Outcome, parlour, require, while_doing};

/// Every line that calls `parlour`, in the shell blocks of a document, without its comment.
fn commands(document: &str) -> Vec<Vec<&str>> {
    let mut is_shell = false;
    let mut commands = Vec::new();
    for line in document.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default().trim();
        // Only its own words: what a pipe or a redirection does is the shell's matter.
        let line = line
            .split(['|', '<', '>', '&', ';'])
            .next()
            .unwrap_or_default();
        let called = ["cargo run --release -- ", "cargo run -- ", "parlour "];
        let arguments = called.iter().find_map(|start| line.strip_prefix(start));
        if let Some(arguments) = arguments.filter(|_| is_shell) {
            commands.push(arguments.split_whitespace().collect());
        }
    }
    commands
}

/// With `--help` behind it, a command that exists explains itself, and one that does not is refused.
fn check(document: &str) -> Outcome<usize> {
    let commands = commands(document);
    for arguments in &commands {
        let mut command: Command = parlour();
        command.args(arguments).arg("--help").stdin(Stdio::null());
        let output = command.output().map_err(while_doing("parlour"))?;
        require(output.status.success(), || {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("parlour {}: {said}", arguments.join(" "))
        })?;
    }
    Ok(commands.len())
}

/// D50.
#[test]
fn d50_every_command_that_the_documents_print_is_there() {
    for faulty in [
        "parlour server",
        "parlour serve --port 80",
        "cargo run -- user new ann",
    ] {
        let document = format!("# A\n\n```sh\n{faulty}   # words\n```\n");
        assert!(check(&document).is_err(), "{faulty} is not seen");
    }
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let documents = [root.to_owned(), root.join("docs")].map(|folder| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    });
    let mut count = 0;
    for document in documents.into_iter().flatten() {
        if document.extension().is_some_and(|it| it == "md") {
            let text = std::fs::read_to_string(&document).unwrap();
            let checked = check(&text);
            count += checked.unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        }
    }
    assert!(count >= 4, "only {count} commands were found");
}
