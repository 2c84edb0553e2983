//! Plays a sequence: applies each operation to the model and to the API, and compares what both show.

use serde_json::{Value, json};

use super::state::{Content, Found, Insight, MISSING, NOT_FOUND, Refusal, STALE, World};
use super::{Act, Manner, Op, Precondition, Until};
use crate::support::{Answer, Client, TestApp};
use insights::domain::clock::Timestamp;

struct Game<'a> {
    app: &'a TestApp,
    admin: &'a Client,
    world: World,
    number: usize,
    written: usize,
}

/// A request and what the model expects.
struct Ask {
    method: &'static str,
    path: String,
    body: Value,
    if_match: Option<String>,
    expected: Result<u16, Refusal>,
    /// A refusal that is acceptable too.
    or: Option<Refusal>,
}

/// Fails with the first difference between the API and the model.
pub(super) async fn play(app: &TestApp, admin: &Client, ops: &[Op], number: usize) -> Result<(), String> {
    let mut game = Game { app, admin, world: World::default(), number, written: 0 };
    for (step, op) in ops.iter().enumerate() {
        game.step(op).await.map_err(|difference| format!("step {step}, {op:?}: {difference}"))?;
    }
    for index in 0..game.world.insights.len() {
        game.compare_history(index).await?;
    }
    game.compare_search().await
}

#[expect(clippy::needless_pass_by_value, reason = "most arguments are created for the comparison")]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, api: T, model: T) -> Result<(), String> {
    if api == model { Ok(()) } else { Err(format!("{what} is {api:?}, should be {model:?}")) }
}

impl Game<'_> {
    fn now(&self) -> i64 {
        self.app.now().0
    }

    fn pool(&self, slug: u8) -> String {
        format!("s{}-{}", self.number, ["a", "b", "c", "d"][usize::from(slug)])
    }

    /// A text that is unique in all sequences.
    fn content(&mut self, slug: Option<String>, tagged: bool, italian: bool) -> Content {
        self.written += 1;
        let title = format!("Title w{}x{}", self.number, self.written);
        let slug = slug.unwrap_or_else(|| title.to_lowercase().replace(' ', "-"));
        let italian = italian.then(|| format!("Titolo {}", self.written));
        Content { slug, title, tagged, italian }
    }

    async fn step(&mut self, op: &Op) -> Result<(), String> {
        if let Act::Wait { seconds } = op.act {
            self.app.advance(i64::from(seconds) * 1000);
            return Ok(());
        }
        let creates = matches!(op.act, Act::Create { .. } | Act::CreateAt { .. });
        if creates && self.world.insights.len() < 6 {
            return self.create(op).await;
        }
        let Some(target) = usize::from(op.target).checked_rem(self.world.insights.len()).filter(|_| !creates) else { return Ok(()) };
        let ask = self.ask(op, target);
        self.send(op.manner, &ask).await?;
        self.compare_insight(target).await?;
        let slug = self.pool(op.target);
        self.compare_slug(&slug).await
    }

    async fn create(&mut self, op: &Op) -> Result<(), String> {
        let (content, at) = match op.act {
            Act::CreateAt { slug } => (self.content(Some(self.pool(slug)), false, false), true),
            Act::Create { slug, tagged, italian } => (self.content(slug.map(|slug| self.pool(slug)), tagged, italian), false),
            _ => return Ok(()),
        };
        let path = if at { format!("/v1/insights/{}", content.slug) } else { "/v1/insights".to_owned() };
        let mut body = input(&content);
        let pooled = matches!(op.act, Act::Create { slug: Some(_), .. });
        if !pooled {
            body.as_object_mut().unwrap().remove("slug");
        }
        let expected = self.world.create(&content).map(|()| 201);
        let method = if at { "PUT" } else { "POST" };
        // A slug that an insight had before redirects to it; a PUT that creates is refused there while the insight holds the slug.
        let had = self.world.insights.iter().any(|insight| insight.revisions.iter().any(|revision| revision.slug == content.slug));
        let ask = Ask { method, path, body, if_match: None, expected, or: Some(STALE).filter(|_| at && had) };
        let manner = if at { Manner::Once } else { op.manner };
        if let Some(answer) = self.send(manner, &ask).await?.filter(|answer| answer.status == 201) {
            self.world.insights.push(Insight::new(answer.id(), content));
            self.compare_insight(self.world.insights.len() - 1).await?;
        }
        Ok(())
    }

    /// Applies an operation to the model.
    #[expect(clippy::too_many_lines, reason = "one table of operations")]
    fn ask(&mut self, op: &Op, target: usize) -> Ask {
        let now = self.now();
        let insight = self.world.insights[target].clone();
        let id = &insight.id;
        let head = insight.head().clone();
        let path = |rest: &str| format!("/v1/insights/{id}{rest}");
        let merge = |body: Value| ("PATCH", path(""), body);
        let wanted: Option<Content>;
        let ((method, path, body), success) = match &op.act {
            Act::Put { slug, tagged, italian } => {
                let slug = slug.map_or_else(|| head.slug.clone(), |slug| self.pool(slug));
                let content = self.content(Some(slug), *tagged, *italian);
                wanted = Some(content.clone());
                (("PUT", path(""), input(&content)), 200)
            }
            Act::PatchTitle => {
                self.written += 1;
                let title = format!("Title w{}x{}", self.number, self.written);
                wanted = Some(Content { title: title.clone(), ..head.clone() });
                (merge(json!({ "title": title, "body_markdown": body_of(&title) })), 200)
            }
            Act::PatchSlug { slug } => {
                let slug = self.pool(*slug);
                wanted = Some(Content { slug: slug.clone(), ..head.clone() });
                (merge(json!({ "slug": slug })), 200)
            }
            Act::PatchItalian { gone } => {
                let italian = (!gone).then(|| "Titolo nuovo".to_owned());
                let text = italian.as_ref().map_or(Value::Null, |title| json!({ "title": title, "body_markdown": title }));
                wanted = Some(Content { italian, ..head.clone() });
                (merge(json!({ "translations": { "it": text } })), 200)
            }
            Act::PatchNothing => {
                wanted = Some(head.clone());
                (merge(json!({ "title": head.title })), 200)
            }
            Act::RestoreRevision { number } => {
                // A slug that another insight has now stays there.
                let restored_slug = |content: &Content| {
                    if self.world.is_taken(&content.slug, Some(target)) { head.slug.clone() } else { content.slug.clone() }
                };
                wanted = insight
                    .revisions
                    .get(usize::from(*number) - 1)
                    .map(|content| Content { slug: restored_slug(content), ..content.clone() });
                (("POST", path(&format!("/revisions/{number}/restore")), json!({})), 200)
            }
            Act::Publish { at, until, revision } => {
                wanted = None;
                (("POST", path("/publish"), publication(*at, *until, *revision, now)), 200)
            }
            Act::Unpublish => {
                wanted = None;
                (("POST", path("/unpublish"), json!({})), 200)
            }
            Act::Restore => {
                wanted = None;
                (("POST", path("/restore"), json!({})), 200)
            }
            Act::Delete => {
                wanted = None;
                (("DELETE", path(""), Value::Null), 204)
            }
            Act::Purge => {
                wanted = None;
                (("DELETE", path("?permanent=true"), Value::Null), 204)
            }
            Act::Create { .. } | Act::CreateAt { .. } | Act::Wait { .. } => unreachable!("handled by step and create"),
        };
        let if_match = match op.precondition {
            Precondition::Fresh => Some(format!("\"{}-x\"", insight.state())),
            Precondition::Stale => Some(format!("\"{}-x\"", insight.before)),
            Precondition::Any => Some("*".to_owned()),
            Precondition::Missing => None,
        };
        let is_fresh = matches!(op.precondition, Precondition::Fresh | Precondition::Any);
        let found = if matches!(op.act, Act::Restore | Act::Purge) { !insight.purged } else { insight.is_there() };
        let exists = !matches!(op.act, Act::RestoreRevision { .. }) || wanted.is_some();
        let expected = match (found && exists, if_match.is_some(), is_fresh) {
            (false, ..) => Err(NOT_FOUND),
            (_, false, _) => Err(MISSING),
            (_, _, false) => Err(STALE),
            _ => self.apply(&op.act, target, wanted, now).map(|()| success),
        };
        Ask { method, path, body, if_match, expected, or: None }
    }

    fn apply(&mut self, act: &Act, target: usize, wanted: Option<Content>, now: i64) -> Result<(), Refusal> {
        match act {
            Act::Publish { at, until, revision } => {
                let at = at.map(|seconds| now + i64::from(seconds) * 1000);
                let (until, never) = match until {
                    Until::Omitted => (None, false),
                    Until::Never => (None, true),
                    Until::In(seconds) => (Some(now + i64::from(*seconds) * 1000), false),
                };
                return self.world.publish(target, (at, until, never), revision.map(usize::from), now);
            }
            Act::Unpublish => self.world.unpublish(target, now),
            Act::Delete => self.world.insights[target].deleted = true,
            Act::Restore => self.world.insights[target].deleted = false,
            Act::Purge => self.world.purge(target),
            _ => {
                if let Some(content) = wanted {
                    return self.world.revise(target, content);
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, manner: Manner, ask: &Ask) -> Result<Option<Answer>, String> {
        self.written += 1;
        let key = format!("\"{}-{}\"", self.number, self.written);
        let once = async |query: &str| {
            let mut headers = vec![("idempotency-key", key.as_str())];
            match &ask.if_match {
                Some(state) => headers.push(("if-match", state.as_str())),
                None if ask.method == "PUT" && ask.path.contains("/s") => headers.push(("if-none-match", "*")),
                None => {}
            }
            let kind = if ask.method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
            let body = (!ask.body.is_null()).then(|| (kind, ask.body.to_string()));
            let joint = if query.is_empty() {
                ""
            } else if ask.path.contains('?') {
                "&"
            } else {
                "?"
            };
            self.admin.send(ask.method, &format!("{}{joint}{query}", ask.path), body, &headers).await
        };
        if let Manner::DryRunFirst = manner {
            let dry_run = once("validate_only=true").await;
            same("the dry run's status", dry_run.status, ask.expected.map_or_else(|(status, _)| status, |_| 200))?;
        }
        let answer = once("").await;
        check(&answer, ask)?;
        if let (Manner::Twice, "POST" | "PATCH") = (manner, ask.method) {
            let again = once("").await;
            check(&again, ask)?;
            if ask.expected.is_ok() {
                same("the repeated answer", again.text(), answer.text())?;
                same("the Idempotency-Replayed header", again.header("idempotency-replayed").as_str(), "true")?;
            }
        }
        Ok(Some(answer))
    }

    /// Compares what editors and the public see of an insight.
    async fn compare_insight(&self, target: usize) -> Result<(), String> {
        let (insight, now) = (&self.world.insights[target], self.now());
        let path = format!("/v1/insights/{}", insight.id);
        let shown = self.admin.get(&path).await;
        if !insight.is_there() {
            return same("the editors' status of a deleted insight", shown.status, 404);
        }
        same("the editors' status", shown.status, 200)?;
        let etag = shown.header("etag");
        same("the state", etag.trim_matches('"').split('-').next().unwrap_or_default(), insight.state().as_str())?;
        let shown = shown.json();
        compare(&shown, insight.head())?;
        same("the revision", &shown["revision"], &json!(insight.revisions.len()))?;
        same("the status", &shown["status"], &json!(insight.status(now)))?;
        same("published_at", &shown["published_at"], &moment(insight.published_at))?;
        same("unpublish_at", &shown["unpublish_at"], &moment(insight.unpublish_at))?;
        let public = self.app.anonymous().get(&path).await;
        match insight.live.filter(|_| insight.is_visible(now)) {
            Some(number) => {
                same("the public status", public.status, 200)?;
                same("the live revision", &public.json()["revision"], &json!(number))?;
                compare(&public.json(), &insight.revisions[number - 1])
            }
            None => same("the public status of an invisible insight", public.status, 404),
        }
    }

    /// Compares what the public finds under a slug.
    async fn compare_slug(&self, slug: &str) -> Result<(), String> {
        let answer = self.app.anonymous().get(&format!("/v1/insights/{slug}?resolve=false")).await;
        match self.world.find(slug, self.now()) {
            Found::Insight(index) => same("the insight of the slug", &answer.json()["id"], &json!(self.world.insights[index].id)),
            Found::Moved(to) => same("the target of the slug", &answer.json()["current_slug"], &json!(to)),
            Found::Nothing => same("the status of an unknown slug", answer.status, 404),
        }
    }

    async fn compare_history(&self, target: usize) -> Result<(), String> {
        let insight = &self.world.insights[target];
        if !insight.is_there() {
            return Ok(());
        }
        let list = self.admin.get(&format!("/v1/insights/{}/revisions?limit=100", insight.id)).await.expect(200).json();
        same("the length of the history", list["data"].as_array().map(Vec::len), Some(insight.revisions.len()))?;
        for (index, content) in insight.revisions.iter().enumerate() {
            let listed = &list["data"][insight.revisions.len() - 1 - index];
            same("a title of the history", &listed["title"], &json!(content.title))?;
            same("a slug of the history", &listed["slug"], &json!(content.slug))?;
            same("what is live in the history", &listed["is_live"], &json!(insight.live == Some(index + 1)))?;
        }
        Ok(())
    }

    /// Search finds the live texts of what is visible, and nothing else.
    async fn compare_search(&self) -> Result<(), String> {
        let now = self.now();
        for insight in self.world.insights.iter().take(2) {
            let live = insight.live.filter(|_| insight.is_visible(now)).map(|number| insight.revisions[number - 1].title.clone());
            for title in [Some(insight.head().title.clone()), live.clone()].into_iter().flatten() {
                let word = title.rsplit(' ').next().unwrap_or_default();
                let found = self.app.anonymous().get(&format!("/v1/search?q=%22{word}%22")).await.expect(200).json();
                let is_found = found["data"].as_array().is_some_and(|hits| hits.iter().any(|hit| hit["insight"]["id"] == insight.id));
                same(&format!("whether search finds {word}"), is_found, live.as_ref() == Some(&title))?;
            }
        }
        Ok(())
    }
}

fn check(answer: &Answer, ask: &Ask) -> Result<(), String> {
    if ask.or.is_some_and(|(status, code)| answer.status == status && answer.json()["code"] == code) {
        return Ok(());
    }
    match ask.expected {
        Ok(status) => same(&format!("the status ({})", answer.text()), answer.status, status),
        Err((status, code)) => {
            same(&format!("the status ({})", answer.text()), answer.status, status)?;
            same("the code", &answer.json()["code"], &json!(code))
        }
    }
}

fn body_of(title: &str) -> String {
    format!("The body of {title}.")
}

fn input(content: &Content) -> Value {
    let Content { slug, title, tagged, italian } = content;
    let mut input = json!({ "slug": slug, "title": title, "body_markdown": body_of(title), "category": "debugging" });
    if *tagged {
        input["tags"] = json!(["rust", "sql"]);
    }
    if let Some(italian) = italian {
        input["translations"] = json!({ "it": { "title": italian, "body_markdown": italian } });
    }
    input
}

fn compare(shown: &Value, content: &Content) -> Result<(), String> {
    same("the title", &shown["title"], &json!(content.title))?;
    same("the slug", &shown["slug"], &json!(content.slug))?;
    same("the body", &shown["body"]["markdown"], &json!(body_of(&content.title)))?;
    same("the tags", shown["tags"].as_array().map(Vec::len), Some(if content.tagged { 2 } else { 0 }))?;
    let locales = if content.italian.is_some() { json!(["en", "it"]) } else { json!(["en"]) };
    same("the locales", &shown["available_locales"], &locales)
}

fn publication(at: Option<i32>, until: Until, revision: Option<u8>, now: i64) -> Value {
    let mut body = json!({});
    let later = |seconds: i32| json!(Timestamp(now + i64::from(seconds) * 1000).rfc3339());
    if let Some(seconds) = at {
        body["publish_at"] = later(seconds);
    }
    match until {
        Until::Omitted => {}
        Until::Never => body["unpublish_at"] = Value::Null,
        Until::In(seconds) => body["unpublish_at"] = later(seconds),
    }
    if let Some(number) = revision {
        body["revision"] = json!(number);
    }
    body
}

fn moment(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| json!(Timestamp(at).rfc3339()))
}
