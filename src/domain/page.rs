//! Keyset pagination: order, cursor, page. Every order ends with the id, so it is total: no page repeats or skips a row.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::secret;

pub const DEFAULT_LIMIT: i64 = 20;
pub const MAX_LIMIT: i64 = 100;

/// The field that a list of insights is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    PublishedAt,
    Title,
    UpdatedAt,
    ReadingMinutes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

impl Sort {
    pub const DEFAULT: Self = Self { key: SortKey::PublishedAt, descending: true };
    /// The spellings of the `sort` parameter.
    pub const NAMES: [&str; 8] =
        ["-published_at", "published_at", "title", "-title", "updated_at", "-updated_at", "reading_minutes", "-reading_minutes"];

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (descending, name) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let key = match name {
            "published_at" => SortKey::PublishedAt,
            "title" => SortKey::Title,
            "updated_at" => SortKey::UpdatedAt,
            "reading_minutes" => SortKey::ReadingMinutes,
            _ => return None,
        };
        Some(Self { key, descending })
    }
}

/// The value a row is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyValue {
    Number(i64),
    Text(String),
}

/// Where a page begins: after a row, or before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    #[serde(rename = "k")]
    pub key: KeyValue,
    #[serde(rename = "i")]
    pub id: Uuid,
    /// True for a page that ends before the row instead of beginning after it.
    #[serde(rename = "b")]
    pub backward: bool,
    /// A digest of the list's identity: a cursor is valid for its own list only.
    #[serde(rename = "l")]
    list: String,
}

impl Cursor {
    #[must_use]
    pub fn new(key: KeyValue, id: Uuid, backward: bool, list: &str) -> Self {
        Self { key, id, backward, list: list_digest(list) }
    }

    /// The cursor of the opposite direction that includes the row of this one: its key moves by one, because a page
    /// excludes its cursor's row.
    fn reversed(&self, descends: bool) -> Self {
        let backward = !self.backward;
        let up = backward != descends;
        let (mut key, mut id) = (self.key.clone(), self.id.as_u128());
        match &mut key {
            // Lists without ids are ordered by a unique number.
            KeyValue::Number(number) if id == 0 => *number = if up { number.saturating_add(1) } else { number.saturating_sub(1) },
            _ => id = if up { id.saturating_add(1) } else { id.saturating_sub(1) },
        }
        Self { key, id: Uuid::from_u128(id), backward, list: self.list.clone() }
    }

    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The cursor, if it is well-formed and belongs to the list with this identity.
    #[must_use]
    pub fn decode(text: &str, list: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let cursor: Self = serde_json::from_slice(&bytes).ok()?;
        (cursor.list == list_digest(list)).then_some(cursor)
    }
}

fn list_digest(list: &str) -> String {
    secret::hex(&secret::sha256(list.as_bytes())[..6])
}

/// The rows of a page, and the cursors of its neighbours.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<Cursor>,
    pub previous: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page of the rows that were read from `from` on, one more than `limit` if there are more. `list` is the
    /// list's identity, `descends` its direction.
    #[must_use]
    pub fn from_rows(
        mut rows: Vec<T>,
        limit: usize,
        from: Option<&Cursor>,
        (list, descends): (&str, bool),
        key: impl Fn(&T) -> (KeyValue, Uuid),
    ) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let backward = from.is_some_and(|cursor| cursor.backward);
        if backward {
            rows.reverse();
        }
        let at = |row: Option<&T>, backward| {
            row.map(|row| {
                let (key, id) = key(row);
                Cursor::new(key, id, backward, list)
            })
        };
        // An empty page has no row to begin at: the way back begins at its cursor.
        let reversed = from.filter(|_| rows.is_empty()).map(|cursor| cursor.reversed(descends));
        let has_next = backward || more;
        let has_previous = if backward { more } else { from.is_some() };
        let next = if has_next { at(rows.last(), false).or_else(|| reversed.clone()) } else { None };
        let previous = if has_previous { at(rows.first(), true).or(reversed) } else { None };
        Self { rows, next, previous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_valid_for_its_own_list_only() {
        let cursor = Cursor::new(KeyValue::Number(5), Uuid::nil(), false, "a");
        assert_eq!(Cursor::decode(&cursor.encode(), "a"), Some(cursor.clone()));
        assert_eq!(Cursor::decode(&cursor.encode(), "b"), None);
        assert_eq!(Cursor::decode("nonsense", "a"), None);
    }

    #[test]
    fn an_empty_page_has_a_cursor_back() {
        for (backward, descends) in [(false, false), (false, true), (true, false), (true, true)] {
            for id in [Uuid::nil(), Uuid::from_u128(7)] {
                let from = Cursor::new(KeyValue::Number(5), id, backward, "a");
                let page = Page::from_rows(Vec::<()>::new(), 2, Some(&from), ("a", descends), |()| (KeyValue::Number(0), Uuid::nil()));
                let way = if backward { page.next } else { page.previous }.unwrap();
                // The page back includes the row itself.
                let (row, begin) = ((from.key, id), (way.key, way.id));
                let goes_down = way.backward != descends;
                assert!(way.backward != backward && if goes_down { row < begin } else { row > begin });
            }
        }
    }

    #[test]
    fn every_documented_sort_parses() {
        for name in Sort::NAMES {
            assert!(Sort::parse(name).is_some(), "{name}");
        }
        assert_eq!(Sort::parse(Sort::NAMES[0]), Some(Sort::DEFAULT));
        assert_eq!(Sort::parse("--title"), None);
    }
}
