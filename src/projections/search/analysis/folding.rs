//! Case folding and removal of accents, so that a query matches however it is spelled.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Lower case, without the accents of Latin and Greek letters. Borrows what is folded already.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let has_uppercase = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if has_uppercase { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    let mut folded = String::with_capacity(text.len());
    let mut base_drops_marks = false;
    for c in text.to_lowercase().nfkd() {
        if is_combining_mark(c) {
            if !base_drops_marks {
                folded.push(c);
            }
            continue;
        }
        base_drops_marks = u32::from(c) < 0x400;
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            '‐' | '‑' => folded.push('-'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    Cow::Owned(folded)
}
