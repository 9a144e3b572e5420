//! What a setting takes, how that is read and written, and where it goes.

use std::fmt::{Display, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use parlour::{DoorPath, DoorPathError, RoomName};

use super::Settings;
use super::filter;
use super::units::{parse_size, parse_time, show_size, show_time};

/// Where a value goes.
pub(super) type Place<T> = fn(&mut Settings) -> &mut T;
/// Where a number goes.
pub(super) type NumberPlace = for<'a> fn(&'a mut Settings) -> Number<'a>;

/// What a setting takes.
pub(super) enum Kind {
    Address(Place<SocketAddr>),
    Directory(Place<PathBuf>),
    /// A file that need not be named.
    File(Place<Option<PathBuf>>),
    /// A directory that need not be named.
    Folder(Place<Option<PathBuf>>),
    /// Where a door is.
    Path(Place<DoorPath>),
    Room(Place<RoomName>),
    Filter(Place<String>),
    Count {
        range: RangeInclusive<u64>,
        zero: Zero,
        place: NumberPlace,
    },
    Bytes {
        range: RangeInclusive<u64>,
        place: NumberPlace,
    },
    Time {
        range: RangeInclusive<Duration>,
        place: Place<Duration>,
    },
    Choice(fn(&mut Settings) -> &mut dyn Choose),
    Switch(Place<bool>),
    List {
        value_name: &'static str,
        takes: &'static str,
        /// Stands between values in a variable, and in none of them.
        separator: char,
        place: fn(&mut Settings) -> &mut dyn List,
    },
}

/// What 0 means for a count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// Nothing that makes sense.
    Refused,
    /// No limit, and whatever enforces the limit knows it.
    NoLimit,
    /// No limit, which is written down as the largest number.
    NoLimitAsMax,
}

/// The place of a number.
pub(super) enum Number<'a> {
    Wide(&'a mut usize),
    Narrow(&'a mut u32),
}

impl<'a> From<&'a mut usize> for Number<'a> {
    fn from(place: &'a mut usize) -> Self {
        Self::Wide(place)
    }
}

impl<'a> From<&'a mut u32> for Number<'a> {
    fn from(place: &'a mut u32) -> Self {
        Self::Narrow(place)
    }
}

impl Number<'_> {
    fn get(&self) -> u64 {
        match self {
            Self::Wide(place) => u64::try_from(**place).unwrap_or(u64::MAX),
            Self::Narrow(place) => u64::from(**place),
        }
    }

    /// The ranges of the table fit the places; a test puts both ends of each.
    fn set(self, number: u64) {
        match self {
            Self::Wide(place) => *place = usize::try_from(number).unwrap_or(usize::MAX),
            Self::Narrow(place) => *place = u32::try_from(number).unwrap_or(u32::MAX),
        }
    }

    fn max(&self) -> u64 {
        match self {
            Self::Wide(_) => u64::try_from(usize::MAX).unwrap_or(u64::MAX),
            Self::Narrow(_) => u64::from(u32::MAX),
        }
    }
}

/// One of several words.
pub(super) trait Choose {
    /// The words with bars between them.
    fn value_name(&self) -> &'static str;
    /// The words, and what each means.
    fn choices(&self) -> &'static [(&'static str, &'static str)];
    /// The word that is chosen.
    fn chosen(&self) -> &'static str;
    /// Chooses one of [`choices`](Self::choices).
    fn choose(&mut self, word: &str);
}

/// Any number of values.
pub(super) trait List {
    fn show(&self) -> Vec<String>;
    fn put(&mut self, typed: &[String]) -> Result<(), String>;
}

/// One value of a list.
pub(super) trait Item: Sized {
    fn show(&self) -> String;
    fn parse(typed: &str) -> Result<Self, String>;
}

impl<T: Item> List for Vec<T> {
    fn show(&self) -> Vec<String> {
        self.iter().map(Item::show).collect()
    }

    fn put(&mut self, typed: &[String]) -> Result<(), String> {
        *self = typed
            .iter()
            .map(|typed| T::parse(typed))
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}

impl Kind {
    /// What stands for the value in a usage line.
    pub(super) fn value_name(&self) -> &'static str {
        match self {
            Self::Address(_) => "IP:PORT",
            Self::Directory(_) | Self::Folder(_) => "DIR",
            Self::Path(_) => "PATH",
            Self::Room(_) => "ROOM",
            Self::File(_) => "FILE",
            Self::Filter(_) => "FILTER",
            Self::Count { .. } => "N",
            Self::Bytes { .. } => "SIZE",
            Self::Time { .. } => "TIME",
            Self::Choice(place) => place(&mut Settings::default()).value_name(),
            Self::Switch(_) => "true|false",
            Self::List { value_name, .. } => value_name,
        }
    }

    /// What it takes, in words.
    pub(super) fn takes(&self) -> String {
        match self {
            Self::Address(_) => "IP:PORT or localhost:PORT; port 0 picks a free one".into(),
            Self::Directory(_) | Self::Folder(_) => "a directory".into(),
            Self::Path(_) => "a path, as in /ws".into(),
            Self::Room(_) => "a room's name".into(),
            Self::File(_) => "a file".into(),
            Self::Filter(_) => {
                "off, error, warn, info, debug or trace, also by part, as in parlour=debug,info"
                    .into()
            }
            Self::Count { range, zero, .. } => {
                let mut takes = between(range, u64::to_string);
                if *zero != Zero::Refused {
                    takes.push_str("; 0 means no limit");
                }
                takes
            }
            Self::Bytes { range, .. } => between(range, |bytes| show_size(*bytes)),
            Self::Time { range, .. } => between(range, |time| show_time(*time)),
            Self::Choice(place) => {
                let mut takes = String::new();
                for (word, meaning) in place(&mut Settings::default()).choices() {
                    let comma = if takes.is_empty() { "" } else { ", " };
                    let _ = write!(takes, "{comma}{word} ({meaning})");
                }
                takes
            }
            Self::Switch(_) => "true or false".into(),
            Self::List { takes, .. } => (*takes).into(),
        }
    }

    /// What may be done with it that a single value does not allow, or nothing.
    pub(super) fn how_often(&self) -> &'static str {
        match self {
            Self::Switch(_) => "; the bare flag means true",
            Self::List { .. } => "; may be repeated",
            _ => "",
        }
    }

    /// The values as they would be typed; empty if there is none.
    pub(super) fn show(&self, settings: &mut Settings) -> Vec<String> {
        let one = match self {
            Self::Address(place) => place(settings).to_string(),
            Self::Directory(place) => place(settings).display().to_string(),
            Self::Path(place) => place(settings).to_string(),
            Self::Room(place) => place(settings).as_str().to_owned(),
            Self::File(place) | Self::Folder(place) => match place(settings) {
                Some(path) => path.display().to_string(),
                None => return Vec::new(),
            },
            Self::Filter(place) => place(settings).clone(),
            Self::Count { zero, place, .. } => {
                let place = place(settings);
                match place.get() {
                    all if *zero == Zero::NoLimitAsMax && all == place.max() => "0".into(),
                    number => number.to_string(),
                }
            }
            Self::Bytes { place, .. } => show_size(place(settings).get()),
            Self::Time { place, .. } => show_time(*place(settings)),
            Self::Choice(place) => place(settings).chosen().into(),
            Self::Switch(place) => place(settings).to_string(),
            Self::List { place, .. } => return place(settings).show(),
        };
        vec![one]
    }

    /// Reads what was typed and puts it where it goes. The error says what is wrong and what to type
    /// instead; the setting's name stands before it.
    pub(super) fn put(&self, settings: &mut Settings, typed: &[String]) -> Result<(), String> {
        if let Self::List { place, .. } = self {
            return place(settings).put(typed);
        }
        let [typed] = typed else {
            return Err("it takes one value".into());
        };
        match self {
            Self::Address(place) => *place(settings) = parse_address(typed)?,
            Self::Directory(place) => *place(settings) = parse_path(typed)?,
            Self::File(place) | Self::Folder(place) => {
                *place(settings) = Some(parse_path(typed)?);
            }
            Self::Path(place) => {
                *place(settings) = typed.parse().map_err(words::<DoorPathError>)?;
            }
            Self::Room(place) => *place(settings) = RoomName::new(typed).map_err(words)?,
            Self::Filter(place) => *place(settings) = filter::parse(typed)?,
            Self::Count { range, zero, place } => {
                let number = parse_count(typed, range, *zero)?;
                let place = place(settings);
                let all = place.max();
                let is_max = number == 0 && *zero == Zero::NoLimitAsMax;
                place.set(if is_max { all } else { number });
            }
            Self::Bytes { range, place } => {
                let bytes = parse_size(typed)?;
                within(&bytes, range, |bytes| show_size(*bytes))?;
                place(settings).set(bytes);
            }
            Self::Time { range, place } => {
                let time = parse_time(typed)?;
                within(&time, range, |time| show_time(*time))?;
                *place(settings) = time;
            }
            Self::Choice(place) => choose(place(settings), typed)?,
            Self::Switch(place) => {
                *place(settings) = typed
                    .parse()
                    .map_err(|_| format!("`{typed}` is neither true nor false"))?;
            }
            Self::List { .. } => {}
        }
        Ok(())
    }
}

fn parse_address(typed: &str) -> Result<SocketAddr, String> {
    let bad = |_| format!("`{typed}` is no address: use IP:PORT, for example 127.0.0.1:8080");
    match typed.strip_prefix("localhost:") {
        Some(port) => Ok((Ipv4Addr::LOCALHOST, port.parse().map_err(|_| bad(()))?).into()),
        None => typed.parse().map_err(|_| bad(())),
    }
}

fn parse_path(typed: &str) -> Result<PathBuf, String> {
    if typed.is_empty() {
        return Err("it names nothing: give a path".into());
    }
    Ok(typed.into())
}

fn words<E: Display>(error: E) -> String {
    error.to_string()
}

fn parse_count(typed: &str, range: &RangeInclusive<u64>, zero: Zero) -> Result<u64, String> {
    let number = typed.parse().map_err(|_| {
        format!(
            "`{typed}` is no whole number: use {}",
            between(range, u64::to_string)
        )
    })?;
    if number == 0 && zero != Zero::Refused {
        return Ok(0);
    }
    within(&number, range, u64::to_string)?;
    Ok(number)
}

fn choose(place: &mut dyn Choose, typed: &str) -> Result<(), String> {
    let words: Vec<&str> = place.choices().iter().map(|(word, _)| *word).collect();
    if !words.contains(&typed) {
        return Err(format!("`{typed}` is none of {}", words.join(", ")));
    }
    place.choose(typed);
    Ok(())
}

fn within<T: PartialOrd>(
    value: &T,
    range: &RangeInclusive<T>,
    show: impl Fn(&T) -> String,
) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    Err(format!(
        "{} is out of range: use {}",
        show(value),
        between(range, show)
    ))
}

fn between<T>(range: &RangeInclusive<T>, show: impl Fn(&T) -> String) -> String {
    format!("{} to {}", show(range.start()), show(range.end()))
}
