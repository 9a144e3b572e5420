//! UTF-8 that arrives in pieces.

/// What has been seen of a text that is not finished: at most the beginning of one character.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seam {
    begun: [u8; 3],
    len: u8,
}

/// The text cannot become UTF-8 any more, whatever comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotUtf8;

impl Seam {
    /// Takes the next piece, and fails at the first byte that no valid text can have there.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        let rest = self.finish_character(piece)?;
        let Err(error) = simdutf8::compat::from_utf8(rest) else {
            return Ok(());
        };
        if error.error_len().is_some() {
            return Err(NotUtf8);
        }
        for &byte in &rest[error.valid_up_to()..] {
            self.push(byte);
        }
        Ok(())
    }

    /// Completes the character that an earlier piece began, and returns what follows it.
    fn finish_character<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], NotUtf8> {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                break;
            };
            piece = rest;
            let [a, b, c] = self.begun;
            let mut longer = [a, b, c, 0];
            longer[usize::from(self.len)] = byte;
            match std::str::from_utf8(&longer[..=usize::from(self.len)]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                Err(_) => self.push(byte),
            }
        }
        Ok(piece)
    }

    /// No character has more than three bytes before its last one, so there is always room.
    fn push(&mut self, byte: u8) {
        self.begun[usize::from(self.len)] = byte;
        self.len += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict of the standard library on a text so far: `Ok(true)` if it may end here.
    fn whole(text: &[u8]) -> Result<bool, NotUtf8> {
        match std::str::from_utf8(text) {
            Ok(_) => Ok(true),
            Err(error) if error.error_len().is_none() => Ok(false),
            Err(_) => Err(NotUtf8),
        }
    }

    fn in_two(text: &[u8], cut: usize) -> Result<bool, NotUtf8> {
        let mut seam = Seam::default();
        seam.feed(&text[..cut])?;
        seam.feed(&text[cut..])?;
        Ok(seam.len == 0)
    }

    #[test]
    fn any_cut_gives_the_verdict_of_the_whole() {
        let texts: [&[u8]; 10] = [
            "aßẞ𝄞 κόσμε".as_bytes(),
            b"\xed\xa0\x80",             // a surrogate
            b"\xf4\x90\x80\x80",         // beyond U+10FFFF
            b"\xf4\x8f\xbf\xbf",         // U+10FFFF
            b"\xc0\xaf",                 // overlong
            b"\xe0\x80\xaf",             // overlong
            b"\xf0\x80\x80\xaf",         // overlong
            b"a\x80",                    // a continuation without a start
            b"\xf0\x9d\x84",             // the last byte is missing
            b"\xce\xba\xe1\xbd\xb9\xff", // bad at the very end
        ];
        for text in texts {
            for cut in 0..=text.len() {
                assert_eq!(in_two(text, cut), whole(text), "{text:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn byte_by_byte_fails_at_the_byte_where_the_whole_fails() {
        for second in 0..=255_u8 {
            for first in 0..=255_u8 {
                let (mut seam, text) = (Seam::default(), [first, second, 0x80, 0x80]);
                let fed = (1..=4).find(|&n| seam.feed(&text[n - 1..n]).is_err());
                let std = (1..=4).find(|&n| whole(&text[..n]).is_err());
                assert_eq!(fed, std, "{text:x?}");
            }
        }
    }
}
