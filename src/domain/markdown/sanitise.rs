//! The allow-list of HTML: everything else is removed.
//!
//! Raw HTML can contain text markup but loads nothing: an image must be written in Markdown. To distinguish the two,
//! the address of a Markdown image is *sealed* with a digest of the whole text, which no text can contain; only sealed
//! addresses pass.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ammonia::Builder;

use crate::domain::secret;

const TAGS: [&str; 52] = [
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "input",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "var",
];
const CLASSES: [&str; 3] = ["footnote-definition", "footnote-definition-label", "footnote-reference"];

fn policy() -> Builder<'static> {
    let mut policy = Builder::empty();
    policy
        .tags(HashSet::from(TAGS))
        // `empty` removes the default tags, but no other default.
        .tag_attributes(HashMap::new())
        .generic_attributes(HashSet::new())
        .tag_attribute_values(HashMap::new())
        .set_tag_attribute_values(HashMap::new())
        .allowed_classes(HashMap::new())
        .clean_content_tags(HashSet::from(["script", "style", "template", "noscript", "iframe", "title", "textarea", "svg", "math"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer"))
        .strip_comments(true);
    for (tag, attributes) in [
        ("a", &["href", "title"][..]),
        ("abbr", &["title"]),
        ("code", &["class"]),
        ("details", &["open"]),
        ("div", &["class", "id"]),
        ("h1", &["id"]),
        ("h2", &["id"]),
        ("h3", &["id"]),
        ("h4", &["id"]),
        ("h5", &["id"]),
        ("h6", &["id"]),
        ("img", &["src", "alt", "title"]),
        ("input", &["type", "checked", "disabled"]),
        ("ol", &["start"]),
        ("sup", &["class"]),
        ("td", &["style"]),
        ("th", &["style"]),
    ] {
        policy.add_tag_attributes(tag, attributes);
    }
    policy.set_tag_attribute_value("input", "type", "checkbox").set_tag_attribute_value("input", "disabled", "");
    policy
}

/// The seal of the images of one text.
pub(super) fn seal(markdown: &str) -> String {
    secret::hex(&secret::sha256(markdown.as_bytes()))
}

/// The sealed address of an image. Empty unless it is a well-formed http(s) or relative reference (RFC 3986).
pub(super) fn seal_address(seal: &str, address: &str) -> String {
    let relative = !address.split(['/', '?', '#']).next().unwrap_or_default().contains(':');
    let web = address.starts_with("https://") || address.starts_with("http://");
    let plain = address.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&*+,;=%".contains(&b));
    if (web || relative) && plain && !address.is_empty() && !address.starts_with("//") {
        format!("/{seal}/{address}")
    } else {
        String::new()
    }
}

/// The sanitised fragment of a rendered text.
pub(super) fn fragment(html: &str, markdown: &str) -> String {
    policy_for(markdown).clean(html).to_string()
}

/// As [`fragment`], with comments.
pub(super) fn with_comments(html: &str, markdown: &str) -> String {
    policy_for(markdown).strip_comments(false).clean(html).to_string()
}

fn policy_for(markdown: &str) -> Builder<'static> {
    let prefix = format!("/{}/", seal(markdown));
    let mut policy = policy();
    policy.attribute_filter(move |tag, attribute, value| match (tag, attribute) {
        ("img", "src") => value.strip_prefix(&prefix).map(Cow::Borrowed),
        ("code", "class") => is_language_class(value).then_some(Cow::Borrowed(value)),
        ("div" | "sup", "class") => CLASSES.contains(&value).then_some(Cow::Borrowed(value)),
        ("div", "id") => (value.starts_with("fn-") && is_anchor(value)).then_some(Cow::Borrowed(value)),
        ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", "id") => is_anchor(value).then_some(Cow::Borrowed(value)),
        ("td" | "th", "style") => {
            ["text-align: left", "text-align: right", "text-align: center"].contains(&value).then_some(Cow::Borrowed(value))
        }
        _ => Some(Cow::Borrowed(value)),
    });
    policy
}

fn is_language_class(value: &str) -> bool {
    value
        .strip_prefix("language-")
        .is_some_and(|name| (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_+#.".contains(&b)))
}

fn is_anchor(value: &str) -> bool {
    (1..=120).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
