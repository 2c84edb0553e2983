//! The model: the editorial operations in their simplest form.

use std::collections::BTreeMap;

use insights::domain::etag::insight_state;

/// The content of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) tagged: bool,
    pub(super) italian: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Insight {
    pub(super) id: String,
    /// Numbered from 1.
    pub(super) revisions: Vec<Content>,
    pub(super) version: i64,
    pub(super) live: Option<usize>,
    pub(super) published_at: Option<i64>,
    pub(super) unpublish_at: Option<i64>,
    pub(super) deleted: bool,
    pub(super) purged: bool,
    /// The state before the last change.
    pub(super) before: String,
}

/// Why a write is refused.
pub(super) type Refusal = (u16, &'static str);

pub(super) const NOT_FOUND: Refusal = (404, "not-found");
pub(super) const STALE: Refusal = (412, "stale-revision");
pub(super) const MISSING: Refusal = (428, "precondition-required");
const TAKEN: Refusal = (409, "slug-taken");
const INVALID: Refusal = (422, "validation-failed");

impl Insight {
    pub(super) fn new(id: String, content: Content) -> Self {
        let (live, published_at, unpublish_at) = (None, None, None);
        Self {
            id,
            revisions: vec![content],
            version: 1,
            live,
            published_at,
            unpublish_at,
            deleted: false,
            purged: false,
            before: "r0.0".to_owned(),
        }
    }

    pub(super) fn head(&self) -> &Content {
        self.revisions.last().unwrap()
    }

    pub(super) fn state(&self) -> String {
        insight_state(self.id.parse().unwrap(), i64::try_from(self.revisions.len()).unwrap(), self.version)
    }

    /// The slug in lists: the live revision's, else the newest one's.
    pub(super) fn slug(&self) -> &str {
        self.live.map_or(&self.head().slug, |number| &self.revisions[number - 1].slug)
    }

    pub(super) fn status(&self, now: i64) -> &'static str {
        match (self.live, self.published_at, self.unpublish_at) {
            (Some(_), Some(at), _) if at > now => "scheduled",
            (Some(_), Some(_), Some(end)) if end <= now => "expired",
            (Some(_), Some(_), _) => "published",
            _ => "draft",
        }
    }

    pub(super) fn is_there(&self) -> bool {
        !self.deleted && !self.purged
    }

    pub(super) fn is_visible(&self, now: i64) -> bool {
        self.is_there() && self.status(now) == "published"
    }
}

/// All insights of a sequence.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) insights: Vec<Insight>,
    /// Slugs under which an insight was public before.
    archived: BTreeMap<String, usize>,
}

/// What a reader finds under a slug.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Insight(usize),
    Moved(String),
    Nothing,
}

impl World {
    /// Whether another insight uses the slug, live or in its newest revision, also in the trash.
    pub(super) fn is_taken(&self, slug: &str, by: Option<usize>) -> bool {
        let others = self.insights.iter().enumerate().filter(|(index, other)| Some(*index) != by && !other.purged);
        others.into_iter().any(|(_, other)| other.slug() == slug || other.head().slug == slug)
    }

    pub(super) fn create(&self, content: &Content) -> Result<(), Refusal> {
        if self.is_taken(&content.slug, None) { Err(TAKEN) } else { Ok(()) }
    }

    pub(super) fn revise(&mut self, target: usize, content: Content) -> Result<(), Refusal> {
        if *self.insights[target].head() == content {
            return Ok(());
        }
        if self.is_taken(&content.slug, Some(target)) {
            return Err(TAKEN);
        }
        let insight = &mut self.insights[target];
        insight.before = insight.state();
        insight.revisions.push(content);
        Ok(())
    }

    pub(super) fn publish(
        &mut self,
        target: usize,
        (at, until, never): (Option<i64>, Option<i64>, bool),
        revision: Option<usize>,
        now: i64,
    ) -> Result<(), Refusal> {
        let insight = &self.insights[target];
        let current = insight.published_at.filter(|_| insight.status(now) == "published");
        let published_at = at.or(current).unwrap_or(now);
        let unpublish_at = until.or(insight.unpublish_at.filter(|end| !never && *end > now));
        if unpublish_at.is_some_and(|end| end <= published_at) {
            return Err(INVALID);
        }
        let number = revision.unwrap_or(insight.revisions.len());
        let Some(content) = insight.revisions.get(number - 1) else { return Err(INVALID) };
        if self.is_taken(&content.slug, Some(target)) {
            return Err(TAKEN);
        }
        self.point(target, (Some(number), Some(published_at), unpublish_at), now);
        Ok(())
    }

    pub(super) fn unpublish(&mut self, target: usize, now: i64) {
        self.point(target, (None, None, None), now);
    }

    fn point(&mut self, target: usize, pointers: (Option<usize>, Option<i64>, Option<i64>), now: i64) {
        let insight = &mut self.insights[target];
        if (insight.live, insight.published_at, insight.unpublish_at) == pointers {
            return;
        }
        if matches!(insight.status(now), "published" | "expired") {
            self.archived.insert(insight.slug().to_owned(), target);
        }
        insight.before = insight.state();
        (insight.live, insight.published_at, insight.unpublish_at) = pointers;
        insight.version += 1;
    }

    pub(super) fn purge(&mut self, target: usize) {
        self.insights[target].purged = true;
        self.archived.retain(|_, index| *index != target);
    }

    pub(super) fn find(&self, slug: &str, now: i64) -> Found {
        let visible = self.insights.iter().position(|insight| insight.is_visible(now) && insight.slug() == slug);
        if let Some(index) = visible {
            return Found::Insight(index);
        }
        // An insight that was published under the slug hides the earlier holder, even when it has expired or is in the trash.
        let hidden = self
            .insights
            .iter()
            .any(|other| !other.purged && other.live.is_some() && other.slug() == slug && other.published_at.is_some_and(|at| at <= now));
        match self.archived.get(slug).map(|index| &self.insights[*index]) {
            Some(insight) if insight.is_visible(now) && insight.slug() != slug && !hidden => Found::Moved(insight.slug().to_owned()),
            _ => Found::Nothing,
        }
    }
}
