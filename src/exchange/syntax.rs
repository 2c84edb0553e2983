//! Finds syntax in a body that is not Markdown: shortcodes, Liquid tags, MDX. It stays as text, with a note. Also finds
//! the first heading.

use crate::exchange::ConversionNote;

/// The lines outside of fenced code.
fn prose_lines(body: &str) -> impl Iterator<Item = &str> {
    let mut fence: Option<(char, usize)> = None;
    body.lines().filter(move |line| {
        let text = line.trim_start();
        let marker = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let run = marker.map_or(0, |marker| text.chars().take_while(|c| *c == marker).count());
        match (fence, marker) {
            (Some((open, length)), Some(marker)) if marker == open && run >= length && text.trim_end().chars().all(|c| c == marker) => {
                fence = None;
                false
            }
            (Some(_), _) => false,
            (None, Some(marker)) if run >= 3 => {
                fence = Some((marker, run));
                false
            }
            (None, _) => true,
        }
    })
}

/// The text of the first heading of level 1.
#[must_use]
pub fn first_heading(body: &str) -> Option<String> {
    let mut before = "";
    for line in prose_lines(body) {
        let text = line.trim();
        if let Some(heading) = text.strip_prefix("# ").map(heading_text).filter(|heading| !heading.is_empty()) {
            return Some(heading);
        }
        let underlined = text.len() >= 2 && text.bytes().all(|b| b == b'=');
        if underlined && !before.is_empty() {
            return Some(heading_text(before));
        }
        before = text;
    }
    None
}

/// The text without closing hashes and without the `{#anchor}` of Hugo and Astro.
fn heading_text(text: &str) -> String {
    let text = text.trim();
    let text = text.rfind("{#").filter(|_| text.ends_with('}')).map_or(text, |start| &text[..start]);
    let bare = text.trim_end().trim_end_matches('#');
    // The hash of `C#` is part of the text.
    if bare.is_empty() || bare.ends_with(' ') { bare.trim().to_owned() } else { text.trim().to_owned() }
}

/// One note for each kind of foreign syntax in the body.
#[must_use]
pub fn syntax_notes(body: &str, is_mdx: bool) -> Vec<ConversionNote> {
    let mut notes = Vec::new();
    let mut note = |code, count: usize, what: &str| {
        if count > 0 {
            notes.push(ConversionNote::new(code, format!("{count} {what} kept as text")));
        }
    };
    note("hugo-shortcodes", count_pairs(body, "{{<", ">}}") + count_pairs(body, "{{%", "%}}"), "Hugo shortcodes");
    note("liquid-tags", count_liquid_tags(body), "Liquid tags");
    if is_mdx {
        let is_module = |line: &&str| line.starts_with("import ") || line.starts_with("export ");
        note("mdx-modules", prose_lines(body).filter(is_module).count(), "MDX import or export lines");
        note("jsx-components", prose_lines(body).map(count_components).sum(), "JSX components");
    }
    notes
}

/// How often `open` is followed by `close`.
fn count_pairs(body: &str, open: &str, close: &str) -> usize {
    let (mut rest, mut count) = (body, 0);
    while let Some(inner) = rest.find(open).and_then(|start| rest.get(start + open.len()..)) {
        let Some(end) = inner.find(close) else { break };
        count += 1;
        rest = &inner[end + close.len()..];
    }
    count
}

/// `{% tag %}`, but not Hugo's `{{% tag %}}`.
fn count_liquid_tags(body: &str) -> usize {
    count_pairs(body, "{%", "%}") - count_pairs(body, "{{%", "%}}").min(count_pairs(body, "{%", "%}"))
}

/// The opening tags of capitalised components outside of inline code.
fn count_components(line: &str) -> usize {
    let outside = line.split('`').step_by(2);
    outside.map(|text| text.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_outside_of_code_is_found() {
        for (body, heading) in [
            ("```sh\n# no\n```\n\n# Yes #\n", Some("Yes")),
            ("text\n\nTitle\n=====\n", Some("Title")),
            ("# About C# {#about}\n", Some("About C#")),
            ("## Second\n#hash\n# \n", None),
            ("", None),
        ] {
            assert_eq!(first_heading(body).as_deref(), heading, "{body:?}");
        }
    }

    #[test]
    fn each_kind_of_foreign_syntax_gets_one_note() {
        let body =
            "import X from './x'\n\n{{< a >}} {{% b %}} {% c %} {{< open\n<Card><Tabs.Item /></Card> `<No>`\n```\n<No>\nimport no\n```\n";
        let found: Vec<(&str, String)> = syntax_notes(body, true).into_iter().map(|n| (n.code, n.detail)).collect();
        assert_eq!(
            found.iter().map(|(code, detail)| (*code, detail.split(' ').next().unwrap_or(""))).collect::<Vec<_>>(),
            [("hugo-shortcodes", "2"), ("liquid-tags", "1"), ("mdx-modules", "1"), ("jsx-components", "2")]
        );
        assert!(syntax_notes("plain <Card>", false).is_empty());
    }
}
