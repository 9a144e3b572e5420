//! `--print-config`: what holds, as a file that would make it hold again, and where each value came
//! from. Secrets are never in settings, only the names of the files that hold them.

use std::fmt::Write as _;

use super::error::Source;
use super::kind::Kind;
use super::resolve::Effective;
use super::table::groups;
use super::{Setting, units};

/// The effective configuration as TOML.
#[must_use]
pub fn print(effective: &Effective) -> String {
    let mut out = String::from("# What holds, and where it comes from.\n");
    for group in groups() {
        let _ = write!(out, "\n# {}\n\n", group.title);
        for setting in group.settings {
            let _ = writeln!(out, "{}", line(setting, effective));
        }
    }
    out
}

fn line(setting: &Setting, effective: &Effective) -> String {
    let flag = setting.flag();
    let shown = setting.kind.show(&mut effective.settings.clone());
    let is_none = shown.is_empty() && !setting.is_list();
    // The default gives way to a certificate; as a line of a file it would contradict it.
    let gives_way = flag == "tls"
        && effective.settings.tls_cert.is_some()
        && *effective.source(flag) == Source::Default;
    if is_none || gives_way {
        return format!("# {flag} is not set");
    }
    let from = match effective.source(flag) {
        Source::Default => "default".to_owned(),
        Source::File { path, line } => format!("{}:{line}", path.display()),
        Source::Variable => setting.variable(),
        Source::Flag => format!("--{flag}"),
    };
    format!("{flag} = {} # {from}", toml(setting, &shown))
}

/// The value in the form that the file takes.
pub(super) fn toml(setting: &Setting, shown: &[String]) -> String {
    let quoted = |text: &String| toml::Value::from(text.as_str()).to_string();
    match &setting.kind {
        Kind::List { .. } => format!(
            "[{}]",
            shown.iter().map(quoted).collect::<Vec<_>>().join(", ")
        ),
        Kind::Count { .. } | Kind::Switch(_) => shown.concat(),
        Kind::Bytes { .. } if shown.iter().all(|it| units::is_plain(it)) => shown.concat(),
        _ => shown.iter().map(quoted).collect(),
    }
}
