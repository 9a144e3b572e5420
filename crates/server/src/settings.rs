//! Every setting, from one table: the flags of `parlour serve`, the `PARLOUR_…` variables, the keys of
//! the TOML file, `--help`, `--print-config` and docs/configuration.md are all made of it.
//!
//! ```text
//!  table ─┬▶ flags ─────────┐
//!         ├▶ variables ─────┤ flag > variable > file > default
//!         ├▶ file (TOML) ───┼▶ Effective { Settings, where each came from } ─▶ check ─▶ serve
//!         ├▶ help           │
//!         └▶ documentation  │
//!            Settings::default() ┘ the defaults stand beside the bounds that they are for
//! ```

mod check;
mod document;
mod error;
mod file;
mod filter;
mod kind;
mod nearest;
mod print;
mod resolve;
mod room_rule;
mod table;
mod units;
mod values;
mod variables;

pub use document::document;
pub use error::{SettingsError, Source};
pub use parlour::{Guests, Route};
pub use print::print;
pub use resolve::{Effective, Given};
pub use room_rule::RoomRule;
pub use table::{Group, groups};
pub use values::{Door, LogFormat, Paths, Settings, TlsMode};

use kind::Kind;

/// One row of the table: a setting, what it takes, and what it is for.
pub struct Setting {
    flag: &'static str,
    kind: Kind,
    /// What it does, in one sentence, with what happens when it is reached.
    help: &'static str,
    /// What else one should know, or nothing.
    more: &'static str,
}

impl Setting {
    /// The flag without its dashes; also the key in the TOML file.
    #[must_use]
    pub fn flag(&self) -> &'static str {
        self.flag
    }

    /// The variable: `PARLOUR_` and the flag in capitals.
    #[must_use]
    pub fn variable(&self) -> String {
        format!(
            "{}{}",
            variables::PREFIX,
            self.flag.to_uppercase().replace('-', "_")
        )
    }

    /// What stands for its value in a usage line, such as `SIZE`.
    #[must_use]
    pub fn value_name(&self) -> &'static str {
        self.kind.value_name()
    }

    /// Whether it may be given more than once.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.separator().is_some()
    }

    /// What stands between the values of a list in a variable.
    fn separator(&self) -> Option<char> {
        match &self.kind {
            Kind::List { separator, .. } => Some(*separator),
            _ => None,
        }
    }

    /// Whether the bare flag means `true`.
    #[must_use]
    pub fn is_switch(&self) -> bool {
        matches!(self.kind, Kind::Switch(_))
    }

    /// The help on one line, with its default.
    #[must_use]
    pub fn short_help(&self) -> String {
        match self.default() {
            Some(default) => format!("{} [default: {default}]", self.help),
            None => self.help.to_owned(),
        }
    }

    /// All of the help: what it takes, the variable and the default too.
    #[must_use]
    pub fn long_help(&self) -> String {
        let mut help = self.help.to_owned();
        if !self.more.is_empty() {
            help.push_str(". ");
            help.push_str(self.more);
        }
        help.push_str(&format!("\n\nTakes: {}", self.takes()));
        if let Some(default) = self.default() {
            help.push_str(&format!("\nDefault: {default}"));
        }
        help.push_str(&format!("\nVariable: {}", self.variable()));
        help
    }

    /// The default as it would be typed; `None` if nothing is set without it.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        match self.kind.show(&mut Settings::default()).as_slice() {
            [] => None,
            shown => Some(shown.join(",")),
        }
    }

    /// What values it takes, in words.
    #[must_use]
    pub fn takes(&self) -> String {
        format!("{}{}", self.kind.takes(), self.kind.how_often())
    }

    /// Puts what was typed where it goes.
    fn put(&self, settings: &mut Settings, typed: &[String]) -> Result<(), String> {
        self.kind.put(settings, typed)
    }
}
