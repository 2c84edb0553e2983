use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::diff::text::Op::{Delete, Equal, Insert};

fn draft(input: &Value) -> Draft {
    let mut full = json!({ "title": "T", "body_markdown": "text", "category": "c" });
    full.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    Draft::parse(full).unwrap()
}

#[test]
fn each_changed_field_is_listed_once() {
    let old = draft(&json!({
        "title": "Old title", "tags": ["a"], "seo": { "title": "S" }, "extra": { "same": 1, "gone": 2, "a/b": [1] }, "excerpt": "E",
        "translations": { "de": { "title": "D", "body_markdown": "eins\n" }, "fr": { "title": "F", "body_markdown": "f" } }
    }));
    let new = draft(&json!({
        "title": "New title", "tags": ["a", "b"], "seo": { "description": "D" }, "extra": { "same": 1, "a/b": [2], "new": 3 },
        "translations": { "de": { "title": "D", "body_markdown": "zwei\n" }, "it": { "title": "I", "body_markdown": "i" } }
    }));
    let found = diff(&old, &new);
    let pointers: Vec<&str> = found.iter().map(|diff| diff.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/title",
            "/excerpt",
            "/tags",
            "/seo/title",
            "/seo/description",
            "/extra/gone",
            "/extra/a~1b",
            "/extra/new",
            "/translations/de/body_markdown",
            "/translations/fr",
            "/translations/it"
        ]
    );
    let with_text: Vec<&str> = found.iter().filter(|diff| diff.text.is_some()).map(|diff| diff.pointer.as_str()).collect();
    assert_eq!(with_text, ["/title", "/excerpt", "/translations/de/body_markdown"]);
    assert_eq!((&found[1].before, &found[1].after), (&json!("E"), &Value::Null));
    assert_eq!((&found[8].before, &found[8].after), (&Value::Null, &Value::Null));
    assert_eq!((&found[9].before, &found[9].after), (&json!({ "title": "F", "excerpt": null, "body_markdown": "f" }), &Value::Null));
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn the_unified_diff_equals_that_of_diff() {
    let numbers = |changed: &[(usize, &str)]| -> String {
        (1..=20).map(|n| changed.iter().find(|(at, _)| *at == n).map_or(format!("{n}\n"), |(_, text)| (*text).to_owned())).collect()
    };
    for (old, new, expected) in [
        (
            numbers(&[]),
            numbers(&[(2, ""), (18, "x\ny\n")]),
            "@@ -1,5 +1,4 @@\n 1\n-2\n 3\n 4\n 5\n@@ -15,6 +14,7 @@\n 15\n 16\n 17\n-18\n+x\n+y\n 19\n 20\n",
        ),
        (
            numbers(&[]),
            numbers(&[(8, "x\n"), (15, "y\n")]),
            "@@ -5,14 +5,14 @@\n 5\n 6\n 7\n-8\n+x\n 9\n 10\n 11\n 12\n 13\n 14\n-15\n+y\n 16\n 17\n 18\n",
        ),
        ("a".into(), "a\n".into(), "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        (String::new(), "a\n".into(), "@@ -0,0 +1 @@\n+a\n"),
        ("a\r\n".into(), "a\n".into(), "@@ -1 +1 @@\n-a\r\n+a\n"),
        ("a\n\u{2028}b".into(), "x\n\u{2028}b".into(), "@@ -1,2 +1,2 @@\n-a\n+x\n \u{2028}b\n\\ No newline at end of file\n"),
    ] {
        assert_eq!(text::diff(&old, &new).unified, format!("--- before\n+++ after\n{expected}"), "{old:?} {new:?}");
    }
}

#[test]
fn a_hunk_shows_the_words_that_changed() {
    let parts = |old, new| -> Vec<(Op, String)> {
        text::diff(old, new).hunks.remove(0).parts.into_iter().map(|part| (part.op, part.text)).collect()
    };
    let owned = |parts: &[(Op, &str)]| -> Vec<(Op, String)> { parts.iter().map(|(op, text)| (*op, (*text).to_owned())).collect() };
    for (old, new, expected) in [
        ("A retry storm.\n", "A timeout storm.\n", &[(Equal, "A "), (Delete, "retry"), (Insert, "timeout"), (Equal, " storm.\n")][..]),
        // Two words that changed are one change, though the space between them did not.
        ("the quick fox", "the very slow fox", &[(Equal, "the "), (Delete, "quick"), (Insert, "very slow"), (Equal, " fox")]),
        ("one two three", "eins zwei three", &[(Delete, "one two"), (Insert, "eins zwei"), (Equal, " three")]),
        ("a\r\nb", "a\nb", &[(Equal, "a"), (Delete, "\r\n"), (Insert, "\n"), (Equal, "b")]),
        ("東京都", "東京市", &[(Equal, "東京"), (Delete, "都"), (Insert, "市")]),
        ("context\nold\n", "context\n", &[(Equal, "context\n"), (Delete, "old\n")]),
    ] {
        assert_eq!(parts(old, new), owned(expected), "{old:?} {new:?}");
    }
}

/// Each of these is as long as a body may be, and differs everywhere.
#[test]
fn long_texts_that_differ_everywhere_take_linear_time() {
    for (old, new) in crate::domain::merge::tests::hostile_texts() {
        let diff = text::diff(&old, &new);
        holds(&old, &new, &diff);
        assert!(diff.hunks.iter().map(|hunk| hunk.parts.len()).sum::<usize>() < old.lines().count() * 3 + 50_010);
    }
}

/// Every claim about the parts, on a real difference.
fn holds(old: &str, new: &str, diff: &TextDiff) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let (mut old_at, mut new_at) = (0, 0);
    for hunk in &diff.hunks {
        let side = |other: Op| hunk.parts.iter().filter(|part| part.op != other).map(|part| part.text.as_str()).collect::<String>();
        let lines = |all: &[&str], line: usize, count: usize| -> (usize, usize, String) {
            let begin = line - usize::from(count > 0);
            (begin, begin + count, all[begin..begin + count].concat())
        };
        let (old_begin, old_end, old_lines) = lines(&old, hunk.old_line, hunk.old_lines);
        let (new_begin, new_end, new_lines) = lines(&new, hunk.new_line, hunk.new_lines);
        assert!(side(Op::Insert) == old_lines && side(Op::Delete) == new_lines);
        assert!(hunk.parts.iter().all(|part| !part.text.is_empty()) && hunk.parts.windows(2).all(|two| two[0].op != two[1].op));
        assert!(old[old_at..old_begin] == new[new_at..new_begin], "what lies between two hunks is equal");
        (old_at, new_at) = (old_end, new_end);
    }
    assert!(old[old_at..] == new[new_at..]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_are_both_texts_byte_for_byte(
        old in "(([ab] ?|é|e\u{301}|👩‍👩‍👧|  |中文|\\PC){0,4}(\n|\r\n|\r|\u{2028})){0,12}[ab]?",
        new in "(([ab] ?|é|e\u{301}|👩‍👩‍👧|  |中文|\\PC){0,4}(\n|\r\n|\r|\u{2028})){0,12}[ab]?",
    ) {
        holds(&old, &new, &text::diff(&old, &new));
        holds(&old, &old, &text::diff(&old, &old));
    }

    #[test]
    fn the_parts_of_few_lines_are_both_texts(old in "([ab]\n){0,30}[ab]?", new in "([ab]\n){0,30}[ab]?") {
        holds(&old, &new, &text::diff(&old, &new));
    }
}
