//! Serialises the insights of a list. A row goes through its view. A summary is stored as JSON already, in pieces between which the
//! changing members are written: the same insight is the same bytes either way (`tests/suite/insights/summaries.rs`).

use serde_json::{Map, Value};
use uuid::Uuid;

use super::view::{InsightView, local_name};
use crate::domain::clock::Timestamp;
use crate::store::insight_rows::SharedTerm;
use crate::store::lists::ListedInsight;
use crate::store::summaries::Summary;

/// Which members of each insight, in which language, at which moment.
pub(super) struct InsightSerializer<'s> {
    /// The selected members; all when empty.
    pub(super) fields: &'s [&'static str],
    /// The body is included beside the selected members.
    pub(super) with_body: bool,
    pub(super) chain: &'s [String],
    pub(super) now: Timestamp,
}

impl InsightSerializer<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>, insight: ListedInsight, related: Option<Vec<Value>>) -> serde_json::Result<()> {
        if self.fields.is_empty() {
            return self.write_whole(out, insight, related);
        }
        let mut whole = Vec::new();
        self.write_whole(&mut whole, insight, related)?;
        let mut partial: Map<String, Value> = serde_json::from_slice(&whole)?;
        // `include` adds to the selected members.
        partial.retain(|name, _| self.fields.contains(&name.as_str()) || name == "related" || self.with_body && name == "body");
        serde_json::to_writer(out, &partial)
    }

    fn write_whole(&self, out: &mut Vec<u8>, insight: ListedInsight, related: Option<Vec<Value>>) -> serde_json::Result<()> {
        match insight {
            ListedInsight::Row(row, body) => {
                serde_json::to_writer(out, &InsightView { related, ..InsightView::from_row(*row, body, self.chain, self.now) })
            }
            ListedInsight::Summary(summary) => self.write_summary(out, &summary, related),
        }
    }

    /// The members of [`InsightView`], in its order. Only visible insights have a summary.
    fn write_summary(&self, out: &mut Vec<u8>, summary: &Summary, related: Option<Vec<Value>>) -> serde_json::Result<()> {
        let Summary { id, times, updated_at, category, tags, authors, .. } = summary;
        let mut id_buffer = Uuid::encode_buffer();
        push(out, &["{\"id\":\"", id.hyphenated().encode_lower(&mut id_buffer), "\","]);
        push(out, &summary.opening());
        push(out, &[",\"category\":"]);
        self.write_term(out, category)?;
        for (member, terms) in [(",\"tags\":[", tags), (",\"authors\":[", authors)] {
            push(out, &[member]);
            for (index, term) in terms.iter().enumerate() {
                push(out, &[if index == 0 { "" } else { "," }]);
                self.write_term(out, term)?;
            }
            push(out, &["]"]);
        }
        push(out, &[",\"status\":\"published\""]);
        for (name, time) in times.as_of(self.now).members() {
            push(out, &[",\"", name, "\":"]);
            match time {
                Some(time) => {
                    push(out, &["\""]);
                    time.write_rfc3339(out);
                    push(out, &["\""]);
                }
                None => push(out, &["null"]),
            }
        }
        push(out, &[",\"updated_at\":\""]);
        updated_at.write_rfc3339(out);
        push(out, &["\","]);
        push(out, &summary.closing());
        if let Some(related) = related {
            push(out, &[",\"related\":"]);
            serde_json::to_writer(&mut *out, &related)?;
        }
        push(out, &["}"]);
        Ok(())
    }

    fn write_term(&self, out: &mut Vec<u8>, term: &SharedTerm) -> serde_json::Result<()> {
        push(out, &["{\"slug\":\"", &term.slug, "\",\"name\":"]);
        serde_json::to_writer(&mut *out, local_name(&term.translations, self.chain, &term.name))?;
        push(out, &["}"]);
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}
