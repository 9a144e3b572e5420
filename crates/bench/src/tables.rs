//! Plain tables for people: aligned columns, numbers with separated thousands.

use std::fmt::{self, Write};

/// Rows of a name, a value and what it means.
#[derive(Default)]
pub(crate) struct Facts(Vec<(&'static str, String, String)>);

impl Facts {
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        value: impl Into<String>,
        note: impl Into<String>,
    ) {
        self.0.push((name, value.into(), note.into()));
    }

    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let values = self.0.iter().map(|row| row.1.len()).max().unwrap_or(0);
        for (name, value, note) in &self.0 {
            let line = format!("  {name:names$}  {value:>values$}  {note}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A whole number in groups of three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with three significant digits, or "not known".
pub(crate) fn rounded(number: Option<f64>) -> String {
    let Some(number) = number else {
        return "not known".into();
    };
    let mut out = String::new();
    let digits = match number.abs() {
        0.0..0.1 => 4,
        0.1..1.0 => 3,
        1.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => {
            return format!(
                "{}{}",
                if number < 0.0 { "-" } else { "" },
                grouped(number.abs() as u64)
            );
        }
    };
    // Writing to a string does not fail.
    let _ = write!(out, "{number:.digits$}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        let rounded = [0.01234, 0.5, 6.789, 12.34, 198_765.4, -1500.0].map(|n| rounded(Some(n)));
        assert_eq!(
            rounded,
            ["0.0123", "0.500", "6.79", "12.3", "198,765", "-1,500"]
        );
    }
}
