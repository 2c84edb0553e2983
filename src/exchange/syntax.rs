//! What a body holds that plain Markdown does not know: shortcodes, Liquid tags, MDX. It stays as text; here it is counted. Finds the first heading too.

use crate::exchange::ConversionNote;

/// Lines outside fenced code.
fn prose(body: &str) -> impl Iterator<Item = &str> {
    let mut fence: Option<(char, usize)> = None;
    body.lines().filter(move |line| {
        let text = line.trim_start();
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'));
        let run = mark.map_or(0, |mark| text.chars().take_while(|c| *c == mark).count());
        match (fence, mark) {
            (Some((open, length)), Some(mark)) if mark == open && run >= length && text.trim_end().chars().all(|c| c == mark) => {
                fence = None;
                false
            }
            (Some(_), _) => false,
            (None, Some(mark)) if run >= 3 => {
                fence = Some((mark, run));
                false
            }
            (None, _) => true,
        }
    })
}

/// The text of the first heading of the first level.
#[must_use]
pub fn first_heading(body: &str) -> Option<String> {
    let mut before = "";
    for line in prose(body) {
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

/// Without closing hashes and the `{#anchor}` that Hugo and Astro allow.
fn heading_text(text: &str) -> String {
    let text = text.trim();
    let text = text.rfind("{#").filter(|_| text.ends_with('}')).map_or(text, |place| &text[..place]);
    let bare = text.trim_end().trim_end_matches('#');
    // `C#` ends in a hash of its own.
    if bare.is_empty() || bare.ends_with(' ') { bare.trim().to_owned() } else { text.trim().to_owned() }
}

/// One note for each kind of foreign syntax in the body.
#[must_use]
pub fn notes(body: &str, is_mdx: bool) -> Vec<ConversionNote> {
    let mut notes = Vec::new();
    let mut note = |code, count: usize, what: &str| {
        if count > 0 {
            notes.push(ConversionNote::new(code, format!("{count} {what} kept as text")));
        }
    };
    note("hugo-shortcodes", pairs(body, "{{<", ">}}") + pairs(body, "{{%", "%}}"), "Hugo shortcodes");
    note("liquid-tags", liquid(body), "Liquid tags");
    if is_mdx {
        let is_module = |line: &&str| line.starts_with("import ") || line.starts_with("export ");
        note("mdx-modules", prose(body).filter(is_module).count(), "MDX import or export lines");
        note("jsx-components", prose(body).map(components).sum(), "JSX components");
    }
    notes
}

/// How often `open` is followed by `close` on the way to the end.
fn pairs(body: &str, open: &str, close: &str) -> usize {
    let (mut rest, mut count) = (body, 0);
    while let Some(inner) = rest.find(open).and_then(|start| rest.get(start + open.len()..)) {
        let Some(end) = inner.find(close) else { break };
        count += 1;
        rest = &inner[end + close.len()..];
    }
    count
}

/// `{% tag %}`, but not Hugo's `{{% tag %}}`.
fn liquid(body: &str) -> usize {
    pairs(body, "{%", "%}") - pairs(body, "{{%", "%}}").min(pairs(body, "{%", "%}"))
}

/// Opening tags of capitalised components outside inline code.
fn components(line: &str) -> usize {
    let outside = line.split('`').step_by(2);
    outside.map(|text| text.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_is_found_outside_code() {
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
    fn each_kind_is_counted_once() {
        let body =
            "import X from './x'\n\n{{< a >}} {{% b %}} {% c %} {{< open\n<Card><Tabs.Item /></Card> `<No>`\n```\n<No>\nimport no\n```\n";
        let found: Vec<(&str, String)> = notes(body, true).into_iter().map(|n| (n.code, n.detail)).collect();
        assert_eq!(
            found.iter().map(|(code, detail)| (*code, detail.split(' ').next().unwrap_or(""))).collect::<Vec<_>>(),
            [("hugo-shortcodes", "2"), ("liquid-tags", "1"), ("mdx-modules", "1"), ("jsx-components", "2")]
        );
        assert!(notes("plain <Card>", false).is_empty());
    }
}
