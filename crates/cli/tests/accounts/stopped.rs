//! On a data directory without a server.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::support::parlour;
use crate::{OTHER, PASSWORD, add, assert_failed, does, fails, names, run, user};

#[test]
fn users_are_added_listed_and_removed() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    let said = does(
        &data,
        &["add", "Ann", "--password-stdin"],
        "correct horse\n",
    );
    let made = format!("made the data directory {}\n", data.display());
    assert_eq!(said, made + "added Ann\n");
    add(&data, "bob");
    assert_eq!(names(&data), ["Ann", "bob"]);
    let table = does(&data, &["list"], "");
    assert!(table.starts_with("NAME "), "{table}");
    assert_eq!(table.lines().count(), 3);

    let said = does(&data, &["passwd", "ANN", "--password-stdin"], OTHER);
    assert_eq!(said, "Ann has a new password; no session was open\n");
    let said = does(&data, &["remove", "ann"], "");
    assert_eq!(said, "removed Ann; no session was open\n");
    assert_eq!(names(&data), ["bob"]);
    does(&data, &["remove", "bob"], "");
    let said = does(&data, &["list"], "");
    assert!(said.contains("parlour user add NAME --data"), "{said}");
    assert_eq!(does(&data, &["list", "--json"], ""), "");
}

#[test]
fn what_is_made_is_this_users_alone() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    add(&data, "ann");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_user_who_is_there_and_one_who_is_not_are_named_with_the_command_that_helps() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    add(data, "Ann");
    let flag = format!("--data {}", data.display());
    let exists = ["user Ann already", "parlour user passwd Ann", &flag];
    fails(data, &["add", "ann", "--password-stdin"], PASSWORD, &exists);
    let unknown = ["no user bob", "parlour user list", &flag];
    fails(data, &["remove", "bob"], "", &unknown);
    fails(
        data,
        &["passwd", "bob", "--password-stdin"],
        PASSWORD,
        &unknown,
    );
    let guest = ["guest-ann", "marks guests"];
    fails(
        data,
        &["add", "guest-ann", "--password-stdin"],
        PASSWORD,
        &guest,
    );
    assert_eq!(names(data), ["Ann"]);
}

#[test]
fn passwords_that_cannot_be_are_refused_and_nothing_is_added() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let add = ["add", "ann", "--password-stdin"];
    fails(data, &add, "", &["empty", "one line"]);
    fails(data, &add, "\n", &["empty", "one line"]);
    fails(
        data,
        &add,
        "one line\nand another\n",
        &["more than one line"],
    );
    fails(data, &add, "7 chars\n", &["at least 8 characters"]);
    fails(data, &add, &"x".repeat(1025), &["at most 1024 bytes"]);
    assert!(!data.join("accounts.redb").exists() || names(data).is_empty());
}

#[test]
fn without_a_terminal_the_flag_is_named_and_an_argument_is_no_password() {
    let data = tempfile::tempdir().unwrap();
    let mut command = parlour();
    command
        .args(["user", "add", "ann", "--data"])
        .arg(data.path());
    // A session of its own has no terminal to ask on.
    let mut setsid = std::process::Command::new("setsid");
    setsid
        .arg("--wait")
        .arg(command.get_program())
        .args(command.get_args());
    let output = setsid.stdin(Stdio::null()).output().unwrap();
    assert_failed(&output, &["--password-stdin"]);

    let output = run(user(data.path(), &["add", "ann", PASSWORD]), "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn commands_at_once_wait_for_each_other() {
    let data = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..6)
        .map(|index| {
            let name = format!("user-{index}");
            let path = data.path().to_owned();
            std::thread::spawn(move || add(&path, &name))
        })
        .collect();
    for child in children {
        child.join().unwrap();
    }
    assert_eq!(names(data.path()).len(), 6);
}

#[test]
fn help_teaches() {
    for arguments in [
        &["user", "--help"][..],
        &["user", "add", "--help"],
        &["user", "list", "--help"],
        &["user", "remove", "--help"],
        &["user", "passwd", "--help"],
    ] {
        let output = parlour().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(help.contains("Examples:\n  parlour user "), "{help}");
    }
    assert_eq!(
        parlour().arg("user").output().unwrap().status.code(),
        Some(2)
    );
}
