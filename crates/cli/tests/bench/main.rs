//! `parlour bench`, with the real binary as its own server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compare;
mod load;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use serde_json::Value;
use support::parlour;

/// A folder on a disk, where there is one: temporary folders may be in memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn bench(folder: &Path, more: &[&str]) -> std::process::Output {
    let quick = "bench durable --rounds 1 --phase 0.1 --warmup 0 --publishers 2 --rates 200";
    let mut command = parlour();
    command.args(quick.split(' ')).arg("--dir").arg(folder);
    command.args(more).output().unwrap()
}

#[test]
fn a_short_run_gives_table_json_and_plot_and_leaves_nothing_behind() {
    let folder = folder();
    let (json, plot) = (folder.path().join("figures"), folder.path().join("plot"));
    let files = [&json, &plot].map(|path| path.to_str().unwrap());
    let more = [
        "--rooms",
        "1,20",
        "--outstanding",
        "1,8",
        "--json",
        files[0],
        "--plot",
        files[1],
    ];
    let output = bench(folder.path(), &more);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        table.contains("8 on their way") && table.contains("200 /s asked for"),
        "{table}"
    );

    let figures: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let cells = figures["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2 * 3);
    for cell in cells {
        let systems = cell["systems"].as_array().unwrap();
        assert_eq!(
            (&systems[0]["system"], &systems[1]["system"]),
            (&"parlour".into(), &"append".into())
        );
        assert_eq!(systems.len(), 2 + usize::from(figures["redis"].is_string()));
        for system in systems {
            assert!(system["disk_bytes"].as_f64().unwrap() > 0.0, "{cell}");
            assert!(
                system["p99_ms"].as_f64() >= system["p50_ms"].as_f64()
                    && system["p50_ms"].as_f64().unwrap() > 0.0,
                "{cell}"
            );
        }
    }
    assert!(figures["price"]["durable_ms"].as_f64().unwrap() > 0.0);
    assert!(
        std::fs::read_to_string(&plot)
            .unwrap()
            .ends_with("</svg>\n")
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn without_redis_it_says_so_and_measures_the_rest() {
    let folder = folder();
    let more = [
        "--rooms",
        "1",
        "--outstanding",
        "1",
        "--redis",
        "no-such-redis-server",
    ];
    let output = bench(folder.path(), &more);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        table.contains("no redis-server here") && table.contains("append+fsync"),
        "{table}"
    );
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = folder();
    let path = folder.path().join("no/such/folder/figures");
    let more = [
        "--rooms",
        "1",
        "--outstanding",
        "1",
        "--redis",
        "none",
        "--json",
        path.to_str().unwrap(),
    ];
    let output = bench(folder.path(), &more);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("no/such/folder/figures"),
        "{error}"
    );
}
