//! Parses the XML of a `WordPress` export item by item: memory is bounded by one item, whatever the size of the file.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

/// One `<item>`, as it is in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WxrItem {
    /// The texts of the simple elements by name: `title`, `wp:post_name`, `content:encoded`.
    pub texts: Vec<(String, String)>,
    pub categories: Vec<WxrTerm>,
    pub meta: Vec<(String, String)>,
    pub comments: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WxrTerm {
    pub domain: String,
    pub nicename: String,
    pub name: String,
}

impl WxrItem {
    /// The text of an element, unless it is blank.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(element, _)| element == name)
            .map(|(_, text)| text.as_str())
            .filter(|text| !crate::exchange::is_blank(text))
    }
}

/// A part of the file, in document order.
#[derive(Clone, Debug, PartialEq)]
pub enum WxrPart {
    Author {
        login: String,
        name: String,
    },
    /// A category or tag with its description.
    Term {
        domain: &'static str,
        nicename: String,
        description: String,
    },
    Item(Box<WxrItem>),
}

/// Calls `on_part` for every part.
///
/// # Errors
/// When the XML is invalid: what is wrong and at which byte.
pub fn read(source: impl BufRead, mut on_part: impl FnMut(WxrPart)) -> Result<(), String> {
    let mut reader = Reader::from_reader(source);
    // Exports contain texts that people have pasted; a lone `&` must not stop the import.
    reader.config_mut().allow_dangling_amp = true;
    let mut state = State::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => state.open(&tag),
            Ok(Event::Empty(tag)) => {
                state.open(&tag);
                state.close(&mut on_part);
            }
            Ok(Event::End(_)) => state.close(&mut on_part),
            Ok(Event::Text(text)) => state.text.push_str(&text.xml10_content()),
            Ok(Event::CData(text)) => state.text.push_str(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => state.text.push_str(&resolve_reference(&reference)),
            Ok(Event::Eof) if state.path.is_empty() && state.saw_channel => return Ok(()),
            Ok(Event::Eof) if state.saw_channel => return Err("the XML ends before its last element".to_owned()),
            Ok(Event::Eof) => return Err("it has no channel".to_owned()),
            Ok(Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Err(e) => return Err(format!("the XML cannot be read at byte {}: {e}", reader.error_position())),
        }
    }
}

/// The character of a reference; an unknown name stays as it is.
fn resolve_reference(reference: &BytesRef) -> String {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return c.to_string();
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name).map_or_else(|| format!("&{name};"), str::to_owned)
}

#[derive(Default)]
struct State {
    path: Vec<String>,
    /// The text of the innermost element so far.
    text: String,
    saw_channel: bool,
    item: Option<Box<WxrItem>>,
    category: WxrTerm,
    meta_key: String,
    /// The texts of a `wp:author`, `wp:category` or `wp:tag`.
    fields: Vec<(String, String)>,
}

impl State {
    fn open(&mut self, tag: &BytesStart) {
        let name = tag.name().as_ref().to_owned();
        self.text.clear();
        self.saw_channel |= name == "channel";
        match (self.path.len(), name.as_str()) {
            (2, "item") => self.item = Some(Box::default()),
            (3, "category") => {
                let attribute = |name: &str| {
                    let found = tag.try_get_attribute(name).ok().flatten();
                    let raw = found.map(|attribute| attribute.value.into_owned()).unwrap_or_default();
                    unescape(&raw).map(Cow::into_owned).unwrap_or(raw)
                };
                self.category = WxrTerm { domain: attribute("domain"), nicename: attribute("nicename"), name: String::new() };
            }
            _ => {}
        }
        self.path.push(name);
    }

    fn close(&mut self, on_part: &mut impl FnMut(WxrPart)) {
        let text = std::mem::take(&mut self.text);
        let Some(name) = self.path.pop() else { return };
        match (self.path.len(), self.item.as_mut()) {
            (2, Some(_)) if name == "item" => self.item.take().into_iter().for_each(|item| on_part(WxrPart::Item(item))),
            (2, None) => {
                self.channel_part(&name).into_iter().for_each(on_part);
                self.fields.clear();
            }
            (3, Some(item)) => match name.as_str() {
                "category" => item.categories.push(WxrTerm { name: text, ..std::mem::take(&mut self.category) }),
                "wp:comment" => item.comments += 1,
                "wp:postmeta" => {}
                _ => item.texts.push((name, text)),
            },
            (3, None) => self.fields.push((name, text)),
            (4, Some(item)) if self.path.last().is_some_and(|parent| parent == "wp:postmeta") => match name.as_str() {
                "wp:meta_key" => self.meta_key = text,
                "wp:meta_value" => item.meta.push((std::mem::take(&mut self.meta_key), text)),
                _ => {}
            },
            _ => {}
        }
    }

    /// An author or a term of the channel.
    fn channel_part(&mut self, name: &str) -> Option<WxrPart> {
        let text = |field: &str| self.fields.iter().find(|(element, _)| element == field).map(|(_, text)| text.clone()).unwrap_or_default();
        match name {
            "wp:author" => Some(WxrPart::Author { login: text("wp:author_login"), name: text("wp:author_display_name") }),
            "wp:category" => Some(WxrPart::Term {
                domain: "category",
                nicename: text("wp:category_nicename"),
                description: text("wp:category_description"),
            }),
            "wp:tag" => Some(WxrPart::Term { domain: "post_tag", nicename: text("wp:tag_slug"), description: text("wp:tag_description") }),
            _ => None,
        }
    }
}
