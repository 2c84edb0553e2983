use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// `base`, `yours`, `theirs`, what comes out. A conflict is seen by its marks.
const TEXTS: [(&str, &str, &str, &str, &str); 29] = [
    ("disjoint edits", "a\n\nb\n\nc\n", "A\n\nb\n\nc\n", "a\n\nb\n\nC\n", "A\n\nb\n\nC\n"),
    ("edits in neighbouring paragraphs", "a\n\nb\n", "A\n\nb\n", "a\n\nB\n", "A\n\nB\n"),
    (
        "edits of neighbouring lines",
        "a\nb\n",
        "A\nb\n",
        "a\nB\n",
        "<<<<<<< yours\nA\nb\n||||||| base\na\nb\n=======\na\nB\n>>>>>>> theirs\n",
    ),
    (
        "one line edited differently",
        "a\nb\nc\n",
        "a\nY\nc\n",
        "a\nT\nc\n",
        "a\n<<<<<<< yours\nY\n||||||| base\nb\n=======\nT\n>>>>>>> theirs\nc\n",
    ),
    ("one line edited equally", "a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n", "a\nX\nc\n"),
    ("one line edited equally, another not", "a\nb\nc\nd\ne\n", "a\nX\nc\nd\ne\n", "a\nX\nc\nd\nE\n", "a\nX\nc\nd\nE\n"),
    (
        "a moved paragraph against an edit of it",
        "p\n\nq\n\nr\n",
        "q\n\nr\n\np\n",
        "P\n\nq\n\nr\n",
        "<<<<<<< yours\n||||||| base\np\n\n=======\nP\n\n>>>>>>> theirs\nq\n\nr\n\np\n",
    ),
    (
        "an edit against a moved paragraph",
        "p\n\nq\n\nr\n",
        "P\n\nq\n\nr\n",
        "q\n\nr\n\np\n",
        "<<<<<<< yours\nP\n\n||||||| base\np\n\n=======\n>>>>>>> theirs\nq\n\nr\n\np\n",
    ),
    ("delete against edit", "a\nb\nc\n", "a\nc\n", "a\nB\nc\n", "a\n<<<<<<< yours\n||||||| base\nb\n=======\nB\n>>>>>>> theirs\nc\n"),
    ("edit against delete", "a\nb\nc\n", "a\nB\nc\n", "a\nc\n", "a\n<<<<<<< yours\nB\n||||||| base\nb\n=======\n>>>>>>> theirs\nc\n"),
    ("delete against nothing", "a\nb\nc\n", "a\nc\n", "a\nb\nc\n", "a\nc\n"),
    (
        "both delete, one more",
        "a\nb\nc\nd\n",
        "a\nd\n",
        "a\nc\nd\n",
        "a\n<<<<<<< yours\n||||||| base\nb\nc\n=======\nc\n>>>>>>> theirs\nd\n",
    ),
    ("insert at the same place", "a\nb\n", "a\nY\nb\n", "a\nT\nb\n", "a\n<<<<<<< yours\nY\n||||||| base\n=======\nT\n>>>>>>> theirs\nb\n"),
    ("the same insert at the same place", "a\nb\n", "a\nX\nb\n", "a\nX\nb\n", "a\nX\nb\n"),
    ("both append without a final newline", "a", "a\nY", "a\nT", "a\n<<<<<<< yours\nY\n||||||| base\n=======\nT\n>>>>>>> theirs\n"),
    ("one appends, the other ends the line", "a", "a\nY", "a\n", "a\nY\n"),
    ("one appends without a final newline", "a\n", "a\nY", "a\n", "a\nY"),
    ("one takes the final newline away", "a\n\nb\n", "a\n\nb", "A\n\nb\n", "A\n\nb"),
    ("a new end against a new beginning", "a\nb\nc", "a\nb\nc\nd", "A\nb\nc", "A\nb\nc\nd"),
    ("CRLF against LF, one edit", "a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nb\nC\n", "a\r\nb\r\nC\r\n"),
    ("LF against CRLF, one edit", "a\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "a\nb\nc\n", "a\nb\nC\n"),
    (
        "CRLF against LF, one line edited differently",
        "a\nb\n",
        "a\r\nY\r\n",
        "a\nT\n",
        "a\r\n<<<<<<< yours\r\nY\r\n||||||| base\r\nb\r\n=======\r\nT\r\n>>>>>>> theirs\r\n",
    ),
    ("line ends of both kinds are left alone", "a\r\nb\n\nc\n", "a\r\nb\n\nC\n", "A\r\nb\n\nc\n", "A\r\nb\n\nC\n"),
    (
        "a text with marks in it",
        "<<<<<<<< x\n==========\nb\n",
        "<<<<<<<< x\n==========\nY\n",
        "<<<<<<<< x\n==========\nT\n",
        "<<<<<<<< x\n==========\n<<<<<<<<<<< yours\nY\n||||||||||| base\nb\n===========\nT\n>>>>>>>>>>> theirs\n",
    ),
    ("no difference", "a\nb", "a\nb", "a\nb", "a\nb"),
    ("nothing at all", "", "", "", ""),
    ("both write the same first text, one without a final newline", "", "X", "X\n", "X\n"),
    ("both write the same first text, one with CRLF", "", "X\nZ\n", "X\r\nZ\r\n", "X\r\nZ\r\n"),
    ("both write a first text", "", "Y\n", "T\n", "<<<<<<< yours\nY\n||||||| base\n=======\nT\n>>>>>>> theirs\n"),
];

#[test]
fn texts_merge_line_by_line() {
    for (name, base, yours, theirs, expected) in TEXTS {
        let merged = text::merge(base, yours, theirs);
        assert_eq!(merged.text, expected, "{name}");
        assert_eq!(merged.clean, !expected.contains(" yours"), "{name}");
    }
}

#[test]
fn markers_that_would_outgrow_the_text_become_one_conflict() {
    let text = |word: &str| format!("{}\n{}", "=".repeat(10_000), format!("same\n{word}\n").repeat(1_000));
    let merged = text::merge(&text("b"), &text("y"), &text("t"));
    assert!(!merged.clean && merged.text.len() < 100_000);
    assert_eq!(merged.text.matches("> theirs").count(), 1);
    for word in ["b", "y", "t"] {
        assert!(merged.text.contains(&text(word)));
    }
}

#[test]
fn long_texts_take_linear_time() {
    for (base, yours) in hostile_texts() {
        let theirs: String = base.split_inclusive('\n').rev().collect();
        assert!(text::merge(&base, &yours, &theirs).text.len() < 40 * base.len());
    }
}

/// Pairs of texts as long as a body may be that differ in the ways that cost the most.
pub(in crate::domain) fn hostile_texts() -> Vec<(String, String)> {
    // A generator of its own: the same texts in every run.
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text = |kinds: u64, end: &str, len: usize| {
        let mut text = String::new();
        while text.len() < len {
            text.extend([&random(kinds).to_string(), end]);
        }
        text
    };
    let reversed = |text: &str| text.split_inclusive('\n').rev().collect::<String>();
    let numbers: String = (0..80_000).flat_map(|n| [n.to_string(), "\n".to_owned()]).collect();
    vec![
        // Few enough lines, or words of one line, to be compared one by one.
        (text(2, "\n", 49_000), text(2, "\n", 49_000)),
        (text(10, "\n", 49_000), text(10, "\n", 49_000)),
        (text(1_000, "\n", 90_000), text(1_000, "\n", 90_000)),
        (text(10, " ", 24_000), text(10, " ", 24_000)),
        // Too many.
        (text(2, "\n", 500_000), text(2, "\n", 500_000)),
        (text(1_000, "\n", 500_000), text(1_000, "\n", 500_000)),
        (text(90_000, "\n", 500_000), text(90_000, "\n", 500_000)),
        (text(2, " ", 500_000), text(2, " ", 500_000)),
        (text(10, " b\nsame\n", 500_000), text(10, " c\nsame\n", 500_000)),
        ("a\n".repeat(250_000), "a\nb\n".repeat(125_000)),
        ("a b ".repeat(125_000), "b\n".repeat(250_000)),
        (numbers.clone(), reversed(&numbers)),
        ("\n".repeat(500_000), "\r\n".repeat(250_000)),
        ("🇮🇹".repeat(60_000), "🇨🇭".repeat(60_000)),
    ]
}

fn draft(input: &Value) -> Draft {
    let mut full = json!({ "title": "T", "body_markdown": "text", "category": "c" });
    full.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    Draft::parse(full).unwrap()
}

/// Merges three inputs and gives the candidate and where the conflicts are; checks what holds for every merge.
fn merged(base: &Value, yours: &Value, theirs: &Value) -> (Value, Vec<Conflict>) {
    let [base, yours, theirs] = [base, yours, theirs].map(draft);
    let Merge { clean, candidate, conflicts } = merge(&base, &yours, &theirs);
    assert_eq!(clean, conflicts.is_empty());
    assert!(Draft::parse(candidate.clone()).is_ok(), "{candidate}");
    let names: Vec<&String> = candidate.as_object().unwrap().keys().collect();
    assert_eq!(names, FIELDS);
    (candidate, conflicts)
}

fn pointers(conflicts: &[Conflict]) -> Vec<&str> {
    conflicts.iter().map(|conflict| conflict.pointer.as_str()).collect()
}

#[test]
fn fields_merge_independently() {
    let (candidate, conflicts) = merged(
        &json!({ "title": "T", "excerpt": "E", "category": "c", "reading_minutes": 5 }),
        &json!({ "title": "Y", "excerpt": "E", "category": "y", "reading_minutes": 7 }),
        &json!({ "title": "T", "excerpt": "F", "category": "t", "reading_minutes": 7 }),
    );
    assert_eq!(candidate["title"], "Y");
    assert_eq!(candidate["excerpt"], "F");
    assert_eq!(candidate["reading_minutes"], 7);
    assert_eq!(candidate["category"], "y");
    let conflict = Conflict { pointer: "/category".into(), base: "c".into(), yours: "y".into(), theirs: "t".into() };
    assert_eq!(conflicts, [conflict]);
}

#[test]
fn lists_keep_the_additions_and_removals_of_both() {
    for (name, base, yours, theirs, expected) in [
        ("both add", &["a"][..], &["a", "y"][..], &["a", "t"][..], &["a", "t", "y"][..]),
        ("one adds, the other removes", &["a", "b"], &["a", "b", "y"], &["b"], &["b", "y"]),
        ("both add and remove", &["a", "b"], &["y", "b"], &["a", "t"], &["t", "y"]),
        ("a new first", &["a", "b"], &["a", "b", "y"], &["t", "a", "b"], &["t", "a", "b", "y"]),
        ("their order, your addition", &["a", "b"], &["a", "b", "y"], &["b", "a"], &["b", "y", "a"]),
        ("your order, their addition", &["a", "b"], &["b", "a"], &["a", "t", "b"], &["b", "a", "t"]),
        ("two orders", &["a", "b", "c"], &["c", "a", "b"], &["b", "a", "c"], &["c", "a", "b"]),
        ("both add the same", &["a"], &["a", "x"], &["x", "a"], &["a", "x"]),
        ("both remove all", &["a", "b"], &["a"], &["b"], &[]),
    ] {
        let (candidate, conflicts) = merged(&json!({ "tags": base }), &json!({ "tags": yours }), &json!({ "tags": theirs }));
        assert_eq!(candidate["tags"], json!(expected), "{name}");
        assert!(conflicts.is_empty(), "{name}");
        let (candidate, _) = merged(&json!({ "authors": base }), &json!({ "authors": yours }), &json!({ "authors": theirs }));
        assert_eq!(candidate["authors"], json!(expected), "{name}");
    }
}

#[test]
fn objects_merge_key_by_key() {
    let (candidate, conflicts) = merged(
        &json!({ "seo": { "title": "S" }, "extra": { "a": { "x": 1, "y": 1, "z": 1 }, "cut": 1, "list": [1], "k/~": 1 } }),
        &json!({ "seo": { "title": "S", "description": "D" }, "extra": { "a": { "x": 2, "y": 1, "z": 2 }, "list": [2], "k/~": 2 } }),
        &json!({ "seo": { "title": "S2" }, "extra": { "a": { "x": 1, "z": 3, "new": { "b": 1 } }, "cut": 2, "list": [3], "k/~": 3 } }),
    );
    assert_eq!(candidate["seo"], json!({ "title": "S2", "description": "D", "image_url": null }));
    assert_eq!(candidate["extra"], json!({ "a": { "x": 2, "z": 2, "new": { "b": 1 } }, "list": [2], "k/~": 2, "cut": 2 }));
    assert_eq!(pointers(&conflicts), ["/extra/a/z", "/extra/list", "/extra/k~1~0", "/extra/cut"]);
    assert_eq!((&conflicts[3].base, &conflicts[3].yours, &conflicts[3].theirs), (&json!(1), &Value::Null, &json!(2)));
}

#[test]
fn translations_merge_by_locale_and_field() {
    let text = |title: &str, body: &str| json!({ "title": title, "body_markdown": body });
    let whole = |title: &str, body: &str| json!({ "title": title, "excerpt": null, "body_markdown": body });
    let base =
        json!({ "translations": { "de": text("D", "eins\n\nzwei\n"), "fr": text("F", "f"), "es": text("E", "e"), "nl": text("N", "n") } });
    let yours = json!({ "translations": { "de": text("Du", "EINS\n\nzwei\n"), "it": text("Iy", "same\n"), "pl": text("P", "p"), "nl": text("N", "n") } });
    let theirs = json!({ "translations": {
        "de": text("D", "eins\n\nZWEI\n"), "fr": text("F2", "f"), "it": text("It", "same\n"), "es": text("E", "e")
    } });
    let (candidate, conflicts) = merged(&base, &yours, &theirs);
    assert_eq!(
        candidate["translations"],
        json!({ "de": whole("Du", "EINS\n\nZWEI\n"), "fr": whole("F2", "f"), "it": whole("Iy", "same\n"), "pl": whole("P", "p") })
    );
    assert_eq!(pointers(&conflicts), ["/translations/it/title", "/translations/fr"]);
    assert_eq!((&conflicts[1].base, &conflicts[1].yours, &conflicts[1].theirs), (&whole("F", "f"), &Value::Null, &whole("F2", "f")));
}

#[test]
fn a_translation_that_both_add_is_a_conflict() {
    let with = |body: &str| json!({ "translations": { "it": { "title": "I", "body_markdown": body } } });
    let (candidate, conflicts) = merged(&json!({}), &with("uno\n"), &with("due\n"));
    assert_eq!(pointers(&conflicts), ["/translations/it/body_markdown"]);
    assert_eq!((&conflicts[0].base, &conflicts[0].yours, &conflicts[0].theirs), (&Value::Null, &Value::Null, &Value::Null));
    let body = candidate["translations"]["it"]["body_markdown"].as_str().unwrap();
    assert_eq!(body, "<<<<<<< yours\nuno\n||||||| base\n=======\ndue\n>>>>>>> theirs\n");
}

/// Lines of few kinds, so that many are equal, with every line end.
fn any_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![Just(""), Just("a"), Just("b"), Just("c d"), Just("é"), Just("======="), Just("<<<<<<< yours"), Just("x\rx")];
    let uniform = (prop::collection::vec(word.clone(), 0..12), prop_oneof![Just("\n"), Just("\r\n")], any::<bool>())
        .prop_map(|(lines, end, last)| lines.join(end) + if last { end } else { "" });
    let mixed = prop::collection::vec((word, prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]), 0..12)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end]).collect::<String>());
    prop_oneof![3 => uniform, 1 => mixed]
}

fn lines(text: &str) -> HashSet<&str> {
    text.split('\n').map(|line| line.trim_end_matches('\r')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_side_alone_is_taken_byte_for_byte(base in any_text(), text in any_text()) {
        for (base, yours, theirs) in [(&base, &text, &base), (&base, &base, &text), (&base, &text, &text)] {
            let merged = text::merge(base, yours, theirs);
            prop_assert!(merged.clean);
            prop_assert_eq!(&merged.text, &text);
        }
    }

    #[test]
    fn no_line_of_either_side_is_lost(base in any_text(), yours in any_text(), theirs in any_text()) {
        let merged = text::merge(&base, &yours, &theirs);
        let (old, kept) = (lines(&base), lines(&merged.text));
        for line in lines(&yours).union(&lines(&theirs)) {
            prop_assert!(old.contains(line) || kept.contains(line), "{:?} is not in {:?}", line, merged.text);
        }
        if merged.clean {
            for line in &kept {
                prop_assert!(line.is_empty() || lines(&yours).contains(line) || lines(&theirs).contains(line), "{:?} is new", line);
            }
        }
    }

    #[test]
    fn the_sides_change_places_in_a_clean_merge(base in any_text(), yours in any_text(), theirs in any_text()) {
        let (one, other) = (text::merge(&base, &yours, &theirs), text::merge(&base, &theirs, &yours));
        prop_assert_eq!(one.clean, other.clean);
        if one.clean {
            prop_assert_eq!(one.text, other.text);
        }
    }

    #[test]
    fn edits_far_apart_are_both_there(lines in 7_usize..40, cut in any::<bool>(), first in 0_usize..3, second in 0_usize..3) {
        let text = |change: &dyn Fn(usize) -> Option<String>| (0..lines).filter_map(change).collect::<String>();
        let line = |n: usize| Some(format!("line {n}\n"));
        let yours = text(&|n| if n == first { (!cut).then(|| "yours\n".to_owned()) } else { line(n) });
        let theirs = text(&|n| if n == lines - 1 - second { Some("theirs\n".to_owned()) } else { line(n) });
        let expected = text(&|n| match n {
            n if n == first => (!cut).then(|| "yours\n".to_owned()),
            n if n == lines - 1 - second => Some("theirs\n".to_owned()),
            n => line(n),
        });
        let merged = text::merge(&text(&line), &yours, &theirs);
        prop_assert!(merged.clean);
        prop_assert_eq!(merged.text, expected);
    }
}
