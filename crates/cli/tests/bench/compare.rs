//! `parlour bench compare` in miniature: rooms of ten, one round. Its figures mean nothing.

use std::fs;

use serde_json::Value;

use crate::support::parlour;

#[test]
fn a_comparison_in_miniature_gives_table_json_plot_and_document() {
    if std::thread::available_parallelism().is_ok_and(|cores| cores.get() < 2) {
        return; // It says so, and needs two.
    }
    let folder = tempfile::tempdir().unwrap();
    let [json, plot, doc] = ["figures", "plot", "doc"].map(|name| folder.path().join(name));
    fs::write(
        &doc,
        "# Here\n<!-- figures: begin -->\n<!-- figures: end -->\n",
    )
    .unwrap();
    let mut command = parlour();
    let words = "bench compare --shrink 100 --rounds 1 --phase 0.05 --warmup 0 \
                 --only k1_1000,w32_1000,burst64_1000,k1_1000x10";
    command.args(words.split_whitespace());
    for (option, path) in [("--json", &json), ("--plot", &plot), ("--doc", &doc)] {
        command.arg(option).arg(path);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    // How fast it is does not matter here, only that the work was the same.
    assert!(
        output.status.success() || errors.contains("over the limit"),
        "{errors}"
    );

    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("nothing here is a measurement"), "{table}");
    let figures: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    for name in [
        "raw_k1_1000",
        "raw_w32_1000",
        "raw_burst64_1000",
        "burst64_over_w32_1000",
        "raw_k1_1000x10",
    ] {
        for prefix in ["", "v1_"] {
            let name = format!("{prefix}{name}");
            assert!(figures["ratios"][&name].as_f64().unwrap() > 0.0, "{name}");
            assert!(table.contains(&name), "{table}");
        }
    }
    let cells = figures["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 2 * 4);
    for cell in cells {
        for side in cell["sides"].as_array().unwrap() {
            assert!(side["sends_per_delivery"].as_f64().unwrap() > 0.0, "{cell}");
            assert!(
                side["bytes_per_delivery"].as_f64().unwrap() > 128.0,
                "{cell}"
            );
        }
    }
    assert!(fs::read_to_string(&plot).unwrap().starts_with("<svg"));
    let doc = fs::read_to_string(&doc).unwrap();
    assert!(
        doc.starts_with("# Here") && doc.contains("`v1_raw_k1_1000`"),
        "{doc}"
    );
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    for (words, why) in [
        ("--rounds 0", "--rounds"),
        ("--server-cores 0 --client-core 0", "measure each other"),
        ("--only k2", "k1_1000x10"),
        ("--doc no-such-page.md", "no-such-page.md"),
    ] {
        let mut command = parlour();
        command.args(["bench", "compare"]).args(words.split(' '));
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(why), "{errors}");
    }
}
