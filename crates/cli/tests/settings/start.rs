//! What a server prints, and what help says.

use super::support::{Server, Setup, parlour};

#[test]
fn who_needs_an_account_is_told_how_to_make_the_first_one() {
    let command = "parlour user add NAME --data";
    let printed = |setup: Setup| setup.start().printed_up_to("Ctrl+C");
    assert!(printed(Setup::with(&["--guests", "nobody"])).contains(command));
    assert!(printed(Setup::with(&["--addr", "0.0.0.0:0", "--insecure"])).contains(command));
    let known = Setup::with(&["--guests", "nobody"]).user("ann", "correct horse battery");
    assert!(!printed(known).contains(command));
    assert!(
        !printed(Setup::default()).contains(command),
        "guests need none"
    );
}

#[test]
fn an_address_that_is_every_address_is_printed_as_one_that_can_be_opened() {
    let mut server = Server::start_with(&["--addr", "0.0.0.0:0", "--insecure"]);
    let port = server.address().port();
    let printed = server.printed_up_to("Ctrl+C");
    assert!(
        printed.contains(&format!("http://127.0.0.1:{port}/#general")),
        "{printed}"
    );
}

#[test]
fn help_tells_every_setting_with_its_variable_and_what_it_takes() {
    let help = |flag: &str| {
        let output = parlour().args(["serve", flag]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (short, long) = (help("-h"), help("--help"));
    for group in parlour_server::settings::groups() {
        assert!(
            long.contains(&format!("{}:\n", group.title)),
            "{}",
            group.title
        );
        for setting in group.settings {
            let flag = format!("--{}", setting.flag());
            assert!(short.contains(&flag) && long.contains(&flag), "{flag}");
            assert!(long.contains(&setting.variable()), "{flag}");
        }
    }
}
