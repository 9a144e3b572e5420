//! What was given, by its precedence: flag, variable, file, default.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{SettingsError, Source, ValuePlace};
use super::{Setting, Settings, check, file, variables};

/// What somebody gave, before it is read.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The flags without their dashes, and the values of each.
    pub flags: BTreeMap<String, Vec<String>>,
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    /// The environment; what does not begin with `PARLOUR_` is ignored.
    pub variables: Vec<(String, String)>,
}

/// The settings as they hold, and where each came from.
#[derive(Clone, Debug)]
pub struct Effective {
    pub(super) settings: Settings,
    pub(super) sources: BTreeMap<&'static str, Source>,
}

impl Given {
    /// Reads it all, and looks whether it makes sense together.
    ///
    /// # Errors
    /// [`SettingsError`]: the first mistake.
    ///
    /// # Panics
    /// If a flag is none of the table: the command line is made of the table.
    pub fn resolve(&self) -> Result<Effective, SettingsError> {
        let mut effective = Effective {
            settings: Settings::default(),
            sources: BTreeMap::new(),
        };
        if let Some(path) = self.config_file() {
            effective.take_file(&path)?;
        }
        for (setting, typed) in variables::read(&self.variables)? {
            effective.put(setting, &typed, Source::Variable)?;
        }
        for (flag, typed) in &self.flags {
            let setting = super::table::settings().find(|it| it.flag() == flag);
            let setting = setting.expect("the command line is made of the table");
            effective.put(setting, typed, Source::Flag)?;
        }
        check::check(&effective)?;
        Ok(effective)
    }

    fn config_file(&self) -> Option<PathBuf> {
        let named = self
            .variables
            .iter()
            .find(|(name, _)| name == variables::CONFIG);
        self.config
            .clone()
            .or_else(|| named.map(|(_, path)| path.into()))
    }
}

impl Effective {
    /// The settings as they hold.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the value of `flag` came from.
    #[must_use]
    pub fn source(&self, flag: &str) -> &Source {
        self.sources.get(flag).unwrap_or(&Source::Default)
    }

    /// Whether somebody wants another value than the default: that is a claim, a default gives way.
    pub(super) fn is_changed(&self, flag: &str) -> bool {
        let setting = super::table::settings().find(|it| it.flag() == flag);
        setting.is_some_and(|it| {
            let default = it.kind.show(&mut Settings::default());
            it.kind.show(&mut self.settings.clone()) != default
        })
    }

    fn take_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        for line in file::read(path)? {
            let source = Source::File {
                path: path.into(),
                line: line.line,
            };
            self.put(line.setting, &line.typed, source)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        setting: &'static Setting,
        typed: &[String],
        source: Source,
    ) -> Result<(), SettingsError> {
        setting
            .put(&mut self.settings, typed)
            .map_err(|reason| SettingsError::Value {
                place: ValuePlace {
                    flag: setting.flag(),
                    variable: setting.variable(),
                    source: source.clone(),
                },
                reason,
            })?;
        self.sources.insert(setting.flag(), source);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
