//! What was given, by its precedence: flag, variable, file, default.

use std::collections::BTreeMap;
use std::ffi::OsString;
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
    pub variables: Vec<(OsString, OsString)>,
}

/// The settings as they hold, and where each came from.
#[derive(Clone, Debug, Default)]
pub struct Effective {
    pub(super) settings: Settings,
    config: Option<PathBuf>,
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
        let mut effective = Effective::default();
        if let Some(path) = self.config_file() {
            effective.take_file(&path)?;
            effective.config = Some(path);
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

    /// The data directory alone, for commands that need nothing else: no other setting is looked
    /// at, save that the file must be one. Flags are not looked at either.
    ///
    /// # Errors
    /// [`SettingsError`]: the file or the directory's name cannot be read.
    ///
    /// # Panics
    /// Never: the table has a data directory.
    pub fn data(&self) -> Result<PathBuf, SettingsError> {
        let mut effective = Effective::default();
        let data = super::table::settings().find(|it| it.flag() == "data");
        let data = data.expect("the table has a data directory");
        if let Some(typed) = variables::read_one(data, &self.variables)? {
            effective.put(data, &typed, Source::Variable)?;
        } else if let Some(path) = self.config_file() {
            let mut lines = file::read(&path)?.into_iter();
            if let Some(line) = lines.find(|line| line.setting.flag() == data.flag()) {
                effective.put(data, &line.typed, line.source(&path))?;
            }
        }
        Ok(effective.settings.data)
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

    /// The configuration file that was read.
    #[must_use]
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Where the value of `flag` came from.
    #[must_use]
    pub fn source(&self, flag: &str) -> &Source {
        self.sources.get(flag).unwrap_or(&Source::Default)
    }

    /// What `flag` is called where its value came from.
    pub(crate) fn place(&self, flag: &str) -> String {
        let setting = super::table::settings().find(|it| it.flag() == flag);
        let place = setting.map(|it| ValuePlace::of(it, self.source(flag).clone()));
        place.map_or_else(|| flag.to_owned(), |place| place.to_string())
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
            self.put(line.setting, &line.typed, line.source(path))?;
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
                place: ValuePlace::of(setting, source.clone()),
                reason,
            })?;
        self.sources.insert(setting.flag(), source);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
