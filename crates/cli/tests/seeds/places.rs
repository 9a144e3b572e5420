//! Where everything is when nobody sets anything: row 1.05.

use crate::wire::parlour;

/// Row 1.05.
#[test]
fn it_listens_on_port_8080_of_this_machine_without_tls() {
    let output = parlour()
        .args(["serve", "--print-config"])
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [r#"addr = "127.0.0.1:8080""#, r#"tls = "off""#] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
}
