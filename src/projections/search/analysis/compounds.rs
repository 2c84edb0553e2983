//! The rules for technical tokens: what joins words into a compound (`io_uring`, `.NET`, `C++`), and where a word splits (`PgBouncer`).

/// Whether the text between two words joins them into one compound.
pub(super) fn is_connector(between: &str) -> bool {
    matches!(between, "_" | "-" | "‐" | "‑" | "." | "::" | "/" | "__" | "->" | "@")
}

/// The start of a compound whose first word starts at `word_start`: a leading dot belongs to it, as in `.NET` and `.gitignore`.
pub(super) fn compound_start(text: &str, word_start: usize) -> usize {
    let Some(before_dot) = text[..word_start].strip_suffix('.') else { return word_start };
    let starts_token = before_dot.chars().next_back().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '`' | '"' | '/' | '‘' | '“'));
    if starts_token { word_start - 1 } else { word_start }
}

/// The number of bytes after a word that belong to it: `++` in `C++`, `#` in `C#`.
pub(super) fn suffix_len(after: &str, word: &str) -> usize {
    let ends_token = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '+' || c == '#');
    if after.starts_with("++") && ends_token(&after[2..]) {
        2
    } else {
        usize::from(after.starts_with('#') && word.len() <= 2 && ends_token(&after[1..]))
    }
}

/// The byte ranges of the subwords of a word: it splits between lower and upper case, and between letters and digits. Only subwords of
/// two bytes or more.
pub(super) fn subwords(word: &str) -> Vec<(usize, usize)> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) || word.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Vec::new();
    }
    let mut boundaries = vec![0];
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    for (index, pair) in chars.windows(2).enumerate() {
        let ((_, a), (offset, b)) = (pair[0], pair[1]);
        let lowercase_follows = chars.get(index + 2).is_some_and(|(_, c)| c.is_lowercase());
        let camel_case = a.is_lowercase() && b.is_uppercase() || a.is_uppercase() && b.is_uppercase() && lowercase_follows;
        if camel_case || a.is_numeric() != b.is_numeric() {
            boundaries.push(offset);
        }
    }
    boundaries.push(word.len());
    if boundaries.len() < 3 {
        return Vec::new();
    }
    boundaries.windows(2).map(|range| (range[0], range[1])).filter(|(start, end)| end - start >= 2).collect()
}
