//! Data directories that are not there, not private, or not this user's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::support::parlour;
use crate::{PASSWORD, add, assert_failed, fails, run};

/// Somebody else: nobody.
const STRANGER: u32 = 65534;

#[test]
fn a_wrong_directory_is_named_and_not_made_one() {
    let parent = tempfile::tempdir().unwrap();
    let missing = parent.path().join("missing");
    let words = ["no users in", "--data DIR", "parlour user add NAME --data"];
    for data in [&missing, parent.path()] {
        fails(data, &["list"], "", &words);
        fails(data, &["remove", "ann"], "", &words);
        fails(
            data,
            &["passwd", "ann", "--password-stdin"],
            PASSWORD,
            &words,
        );
    }
    assert!(!missing.exists());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);

    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    fails(&file, &["list"], "", &["no users in"]);
    fails(
        &file,
        &["add", "ann", "--password-stdin"],
        PASSWORD,
        &["--data DIR"],
    );
}

#[test]
fn what_others_can_read_or_write_is_refused_with_the_command_that_mends_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    add(data, "ann");
    let set = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let file = data.join("accounts.redb");
    for mode in [0o644, 0o660, 0o604] {
        set(&file, mode);
        fails(
            data,
            &["list"],
            "",
            &["can be read or written by others", "chmod 600"],
        );
    }
    set(&file, 0o600);
    for mode in [0o770, 0o707] {
        set(data, mode);
        fails(
            data,
            &["list"],
            "",
            &["can be written by others", "chmod 700"],
        );
    }
    set(data, 0o700);
    assert_eq!(crate::names(data), ["ann"]);
}

#[test]
fn the_servers_own_file_says_where_the_users_are() {
    let parent = tempfile::tempdir().unwrap();
    let (data, file) = (parent.path().join("there"), parent.path().join("q.toml"));
    fs::write(&file, format!("data = {:?}\n", data.display().to_string())).unwrap();
    let list = || {
        let mut command = parlour();
        command
            .args(["user", "list", "--json"])
            .current_dir(parent.path());
        command
    };
    let mut add = parlour();
    add.args(["user", "add", "ann", "--password-stdin"])
        .current_dir(parent.path())
        .env("PARLOUR_CONFIG", &file);
    assert!(run(add, PASSWORD).status.success());
    assert!(!parent.path().join("parlour-data").exists());
    assert_eq!(crate::names(&data), ["ann"]);
    let mut named = list();
    named.arg("--config").arg(&file);
    assert!(String::from_utf8_lossy(&run(named, "").stdout).contains("ann"));
    let mut elsewhere = list();
    elsewhere
        .arg("--config")
        .arg(&file)
        .env("PARLOUR_DATA", "elsewhere");
    assert_failed(&run(elsewhere, ""), &["no users in elsewhere"]);
    fs::write(&file, "dta = 1\n").unwrap();
    let mut wrong = list();
    wrong.arg("--config").arg(&file);
    assert_failed(&run(wrong, ""), &["q.toml:1", "did you mean `data`?"]);
}

#[test]
fn a_damaged_file_says_so() {
    let data = tempfile::tempdir().unwrap();
    add(data.path(), "ann");
    fs::write(data.path().join("accounts.redb"), "x".repeat(9_000)).unwrap();
    fails(
        data.path(),
        &["list"],
        "",
        &["accounts.redb", "damaged", "backup"],
    );
}

/// Only root can play two users; elsewhere there is nothing to see.
#[test]
fn the_directory_of_another_user_is_left_alone() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: not tried");
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let data = parent.path().join("data");
    add(&data, "ann");
    // Root's directory, asked by somebody else with a binary that is within reach.
    let binary = parent.path().join("parlour");
    fs::copy(env!("CARGO_BIN_EXE_parlour"), &binary).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    for arguments in [&["list"][..], &["add", "bob", "--password-stdin"]] {
        let mut stranger = Command::new(&binary);
        stranger
            .arg("user")
            .args(arguments)
            .arg("--data")
            .arg(&data);
        stranger.uid(STRANGER).gid(STRANGER).current_dir("/");
        assert_failed(
            &run(stranger, PASSWORD),
            &["belongs to the user with id 0", "sudo -u '#0'"],
        );
    }
    // Somebody's directory, asked by root: files of root would be in the way there.
    chown(&data, Some(STRANGER), None).unwrap();
    let words = ["belongs to the user with id 65534", "sudo -u '#65534'"];
    fails(&data, &["list"], "", &words);
    fails(&data, &["add", "bob", "--password-stdin"], PASSWORD, &words);
}
