//! Rust source with everything blanked that is not the code in question.
//!
//! Blanked text keeps its length and its lines, so that a position in it is a position in the file.

/// The source with comments and the insides of string and character literals as spaces.
pub(super) fn without_prose(source: &str) -> String {
    let mut out = source.as_bytes().to_vec();
    let mut at = 0;
    while at < out.len() {
        let end = prose_end(source.as_bytes(), at);
        if let Some(end) = end {
            blank(&mut out, at, end);
        }
        at = end
            .unwrap_or_else(|| word_end(source.as_bytes(), at))
            .max(at + 1);
    }
    String::from_utf8(out).expect("whole characters of valid UTF-8 were replaced by spaces")
}

/// The code (already without prose) with tests and test modules as spaces.
pub(super) fn without_tests(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    if code.contains("#![cfg(test)]") {
        let end = out.len();
        blank(&mut out, 0, end);
    }
    for attribute in attributes(code).filter(Attribute::is_test_only) {
        blank(&mut out, attribute.start, item_end(code, attribute.end));
    }
    String::from_utf8(out).expect("items start and end at ASCII characters")
}

/// Names of the modules that exist for tests only and stand in files of their own.
pub(super) fn test_modules(code: &str) -> impl Iterator<Item = &str> {
    attributes(code)
        .filter(Attribute::is_test_only)
        .filter_map(|attribute| {
            let item = code[attribute.end..item_end(code, attribute.end)].trim();
            item.split("mod ").nth(1)?.strip_suffix(';').map(str::trim)
        })
}

/// One outer attribute and where it stands.
pub(super) struct Attribute<'a> {
    /// Between the brackets.
    pub(super) text: &'a str,
    /// Offset of `#`.
    pub(super) start: usize,
    /// Offset behind `]`.
    pub(super) end: usize,
}

impl Attribute<'_> {
    /// `#[test]`, `#[tokio::test(…)]`.
    pub(super) fn is_test(&self) -> bool {
        let path = self.text.split('(').next().unwrap_or_default().trim();
        path == "test" || path.ends_with("::test")
    }

    fn is_test_only(&self) -> bool {
        let text: String = self.text.split_whitespace().collect();
        self.is_test() || text == "cfg(test)" || text.starts_with("cfg(all(test")
    }
}

/// All outer attributes of code without prose.
pub(super) fn attributes(code: &str) -> impl Iterator<Item = Attribute<'_>> {
    code.match_indices("#[").map(|(start, _)| {
        let end = closing(code, start + 1);
        Attribute {
            text: &code[start + 2..end.saturating_sub(1).max(start + 2)],
            start,
            end,
        }
    })
}

/// The line of an offset, counted from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset]
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
}

/// The offset behind the bracket that closes the one at `open`.
pub(super) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    code.len()
}

/// The offset behind the item that follows an attribute: its `;` or its closing brace.
fn item_end(code: &str, from: usize) -> usize {
    let bytes = code.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b';' => return at + 1,
            b'{' => return closing(code, at),
            b'(' | b'[' => at = closing(code, at),
            _ => at += 1,
        }
    }
    bytes.len()
}

fn blank(out: &mut [u8], from: usize, to: usize) {
    for byte in &mut out[from..to] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// The end of the comment or literal that starts at `at`, if one does.
fn prose_end(source: &[u8], at: usize) -> Option<usize> {
    let rest = &source[at..];
    let length = match rest {
        [b'/', b'/', ..] => find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + quoted(&rest[1..], b'"'),
        [b'\'', ..] => return character(rest).map(|length| at + length),
        [b'r' | b'b' | b'c', ..] => return prefixed(rest).map(|length| at + length),
        _ => return None,
    };
    Some(at + length)
}

/// Block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length up to and with the closing quote, over escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal, or nothing for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(1 + quoted(&rest[1..], b'\''));
    }
    let width = match rest.get(1)? {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`.
fn prefixed(rest: &[u8]) -> Option<usize> {
    let letters = rest.iter().take_while(|byte| b"rbc".contains(byte)).count();
    let raw = rest[..letters].contains(&b'r');
    let hashes = rest[letters..]
        .iter()
        .take_while(|&&byte| byte == b'#')
        .count();
    let open = letters + hashes;
    match rest.get(open)? {
        b'"' if raw => {
            let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            let inner = find(&rest[open + 1..], &close);
            Some(inner.map_or(rest.len(), |inner| open + 1 + inner + close.len()))
        }
        b'"' if hashes == 0 => Some(open + 1 + quoted(&rest[open + 1..], b'"')),
        b'\'' if hashes == 0 && rest[..letters] == *b"b" => {
            character(&rest[open..]).map(|length| open + length)
        }
        _ => None,
    }
}

/// A word is passed over whole, so that its last letters are not taken for a literal's prefix.
fn word_end(source: &[u8], at: usize) -> usize {
    let word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte >= 0x80;
    at + source[at..].iter().take_while(word).count()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn blanked(source: &str, expected: &str) {
        let code = without_prose(source);
        assert_eq!(code.len(), source.len());
        assert_eq!(
            code.split_whitespace().collect::<Vec<_>>().join(" "),
            expected
        );
    }

    #[test]
    fn comments_and_literals_are_blanked_and_code_is_not() {
        blanked("a // b\nc", "a c");
        blanked("a /* b /* c */ d */ e", "a e");
        blanked(r#"f("Instant::now \" }", 1)"#, "f( , 1)");
        blanked(r##"f(r#"a "quoted" }"#, br"\", c"x", b'"')"##, "f( , , , )");
        blanked("f('{', '\\'', '→', 'a: loop {})", "f( , , , 'a: loop {})");
        blanked("for br in arb { number }", "for br in arb { number }");
        blanked("r#type = 1; \"ä\"", "r#type = 1;");
    }

    #[test]
    fn tests_are_cut_out_whole() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n\
                    #[tokio::test(flavor = x)]\nasync fn d(a: [u8; 2]) { e }\n\
                    #[cfg(all(test, unix))] use f;\nfn g() {}";
        let rest = without_tests(code);
        assert_eq!(
            rest.split_whitespace().collect::<String>(),
            "fna(){}fnc(){}fng(){}"
        );
        assert_eq!(rest.len(), code.len());
        assert_eq!(without_tests("#![cfg(test)]\nfn a() {}").trim(), "");
        assert!(without_tests("#[cfg(not(test))] fn a() {}").contains("fn a"));
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_named() {
        let code = "#[cfg(test)]\n#[allow(x)]\npub(crate) mod scenes;\n#[cfg(test)] mod b { }";
        assert_eq!(test_modules(code).collect::<Vec<_>>(), ["scenes"]);
    }
}
