//! Settings in the environment.

use super::Setting;
use super::error::SettingsError;
use super::nearest::nearest;
use super::table::settings;

/// What every variable begins with.
pub(super) const PREFIX: &str = "PARLOUR_";
/// The variable that names the configuration file.
pub(super) const CONFIG: &str = "PARLOUR_CONFIG";

/// The settings among `variables`, in the order of the table. Others that begin as settings do are
/// mistakes.
pub(super) fn read(
    variables: &[(String, String)],
) -> Result<Vec<(&'static Setting, Vec<String>)>, SettingsError> {
    let known: Vec<String> = settings().map(Setting::variable).collect();
    for (name, _) in variables {
        if name.starts_with(PREFIX) && name != CONFIG && !is_foreign(name) && !known.contains(name)
        {
            return Err(unknown(name, &known));
        }
    }
    let given = settings().zip(&known).filter_map(|(setting, variable)| {
        let (_, value) = variables.iter().find(|(name, _)| name == variable)?;
        Some((setting, values(setting, value)))
    });
    Ok(given.collect())
}

/// Kubernetes gives every container the addresses of its services; a service may be called parlour.
fn is_foreign(name: &str) -> bool {
    ["PARLOUR_SERVICE_", "PARLOUR_PORT_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || name == "PARLOUR_PORT"
}

fn unknown(name: &str, known: &[String]) -> SettingsError {
    let flags = settings().map(Setting::flag);
    let typed = &name[PREFIX.len()..];
    let at = nearest(typed, flags).and_then(|flag| settings().position(|it| it.flag() == flag));
    SettingsError::UnknownVariable {
        name: name.into(),
        nearest: at.map(|at| known[at].clone()),
    }
}

fn values(setting: &Setting, value: &str) -> Vec<String> {
    if !setting.is_list() {
        return vec![value.into()];
    }
    value
        .split(',')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}
