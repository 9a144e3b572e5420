//! Settings in the environment.

use std::ffi::{OsStr, OsString};

use super::Setting;
use super::error::SettingsError;
use super::nearest::nearest_setting;
use super::table::settings;

/// What every variable begins with.
pub(super) const PREFIX: &str = "PARLOUR_";
/// The variable that names the configuration file.
pub(super) const CONFIG: &str = "PARLOUR_CONFIG";

/// The settings among `variables`, in the order of the table. Others that begin as settings do are
/// mistakes.
pub(super) fn read(
    variables: &[(OsString, OsString)],
) -> Result<Vec<(&'static Setting, Vec<String>)>, SettingsError> {
    let known: Vec<String> = settings().map(Setting::variable).collect();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        let is_setting = known.iter().any(|known| *known == name) || name == CONFIG;
        if name.starts_with(PREFIX) && !is_setting && !is_of_kubernetes(&name, value) {
            return Err(unknown(&name));
        }
    }
    let mut given = Vec::new();
    for setting in settings() {
        if let Some(typed) = read_one(setting, variables)? {
            given.push((setting, typed));
        }
    }
    Ok(given)
}

/// What is given for this setting.
pub(super) fn read_one(
    setting: &Setting,
    variables: &[(OsString, OsString)],
) -> Result<Option<Vec<String>>, SettingsError> {
    let variable = setting.variable();
    let Some((_, value)) = variables.iter().find(|(name, _)| *name == *variable) else {
        return Ok(None);
    };
    match value.to_str() {
        Some(value) => Ok(Some(values(setting, value))),
        None => Err(SettingsError::NotUnicode(variable)),
    }
}

/// Kubernetes tells every container of every service, also of those whose names begin with parlour:
/// `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT`, `NAME_PORT=tcp://…`, `NAME_PORT_80_TCP_ADDR` and so on.
fn is_of_kubernetes(name: &str, value: &OsStr) -> bool {
    if name.ends_with("_SERVICE_HOST") {
        return true;
    }
    if let Some((_, which)) = name.split_once("_SERVICE_PORT") {
        return which.is_empty() || which.starts_with('_');
    }
    let Some((_, port)) = name.split_once("_PORT") else {
        return false;
    };
    if port.is_empty() {
        let value = value.to_string_lossy();
        return ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|scheme| value.starts_with(scheme));
    }
    // Of the number, the protocol, and one of PROTO, PORT and ADDR or nothing.
    let mut parts = port.split('_').skip(1);
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    parts.next().is_some_and(is_number)
        && parts
            .next()
            .is_some_and(|it| ["TCP", "UDP", "SCTP"].contains(&it))
        && parts
            .next()
            .is_none_or(|it| ["PROTO", "PORT", "ADDR"].contains(&it))
        && parts.next().is_none()
}

fn unknown(name: &str) -> SettingsError {
    let meant = nearest_setting(&name[PREFIX.len()..]);
    let setting = settings().find(|it| Some(it.flag()) == meant);
    SettingsError::UnknownVariable {
        name: name.into(),
        nearest: setting.map(Setting::variable),
    }
}

fn values(setting: &Setting, value: &str) -> Vec<String> {
    let Some(separator) = setting.separator() else {
        return vec![value.into()];
    };
    value
        .split(separator)
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}
