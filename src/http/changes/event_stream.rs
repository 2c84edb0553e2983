//! `GET /v1/events`: the change feed pushed, as server-sent events (WHATWG HTML, section 9.2).
//!
//! A stream holds the page that its client is taking and at most the next one: a slow client costs its own time and nobody's memory. Streams
//! that stand at the same number share one reading of the database.

use crate::domain::change::PublicSequence;
use crate::http::state::event_streams::EventPage;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use crate::domain::locale::Locale;
use crate::http::changes::feed;
use crate::http::changes::feed::{ChangeView, SinceParam};
use crate::http::request::auth::Reader;
use crate::http::request::params::LocaleParam;
use crate::http::request::query_params::Query;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::response::streams;
use crate::http::state::app_state::AppState;
use crate::http::state::event_streams::SharedEventPages;

const LAST_EVENT_ID: &str = "last-event-id";
/// Changes that are read together.
const PAGE: i64 = 20;
/// Proxies and clients give up on a connection that says nothing.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client waits before it comes back, in milliseconds.
const RETRY: u32 = 2_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes parameters to the document")]
struct LastEventId {
    /// The `id` of the last event you have: the stream goes on behind it. Browsers send it by themselves.
    #[param(rename = "Last-Event-ID", pattern = "^[0-9]{1,15}$", nullable = false)]
    last_event_id: Option<String>,
}

/// One event of the stream, field by field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes an answer to the document")]
pub(crate) struct ChangeEvent {
    /// The change's number: what `Last-Event-ID` goes on behind.
    #[schema(pattern = "^[0-9]+$", example = "12")]
    id: String,
    /// A `Change` as JSON, on one line.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Stream changes
///
/// The changes of `/v1/changes` as they happen, as server-sent events: `id` is the change's number, `data` the change as JSON. Goes on behind
/// `Last-Event-ID`, or else behind `since`, or else behind the present. A comment line is sent every 15 seconds when nothing happens. The
/// stream ends after a while (an hour unless configured otherwise); clients come back with `Last-Event-ID` and miss nothing.
#[utoipa::path(
    tag = "Changes",
    params(SinceParam, LocaleParam, LastEventId),
    responses((status = 200, description = "Events, until either side ends the stream.", body = ChangeEvent, content_type = "text/event-stream")),
    security((), ("bearer" = ["insights:write"])),
    extensions(("x-traits" = json!(["not-cacheable"]))),
)]
#[get("/v1/events")]
pub(crate) async fn stream_changes(app: web::Data<AppState>, request: HttpRequest, _reader: Reader) -> Result<HttpResponse, Problem> {
    let mut query = Query::from_request(&request);
    let since = query.since();
    let locale = query.locale();
    query.finish()?;
    let freshness = app.freshness(app.now()).await?;
    let since = last_event_id(&request)?.or(since);
    let position = since.unwrap_or(freshness.sequence);
    feed::check_since(position, freshness.sequence)?;
    let place = app.events.permits.clone().try_acquire_owned();
    let place = place.map_err(|_full| Problem::unavailable("too many event streams are open: try again in a moment"))?;
    let (sender, receiver) = mpsc::channel(1);
    let streaming = EventStream {
        newest: app.newest.clone(),
        closing: app.events.shutdown(),
        ends: Instant::now() + app.events.lifetime,
        floor: freshness.sequence,
        position,
        locale,
        app,
        sender,
    };
    // In a task of its own, which keeps the place: a client that leaves, or stops reading, can neither break off a look at the database nor keep
    // others out.
    actix_web::rt::spawn(async move {
        streaming.run().await;
        drop(place);
    });
    let bytes = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<Bytes>| {
        receiver.recv().await.map(|bytes| (Ok::<_, Infallible>(bytes), receiver))
    });
    Ok(streams::event_stream(bytes))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<PublicSequence>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
    let invalid =
        || Problem::new(ProblemCode::InvalidParameter, "Last-Event-ID must be the id of an event").with("parameter", "Last-Event-ID");
    number.map(|number| Some(PublicSequence(number))).ok_or_else(invalid)
}

struct EventStream {
    app: web::Data<AppState>,
    newest: watch::Receiver<PublicSequence>,
    closing: watch::Receiver<bool>,
    sender: mpsc::Sender<Bytes>,
    ends: Instant,
    /// What was in the database when the client came.
    floor: PublicSequence,
    position: PublicSequence,
    locale: Option<Locale>,
}

impl EventStream {
    async fn run(mut self) {
        let mut next = Some(Bytes::from(format!("retry: {RETRY}\n: connected\n\n")));
        while let Some(bytes) = next {
            tokio::select! {
                sent = self.sender.send_timeout(bytes, PATIENCE) => if sent.is_err() { return },
                _ = self.closing.wait_for(|closing| *closing) => return,
            }
            next = self.next().await;
        }
    }

    /// What is to be said next; nothing when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.closing.borrow() || Instant::now() >= self.ends {
                return None;
            }
            // What was there when the client came is never told from an older reading.
            let newest = self.floor.max(*self.newest.borrow_and_update());
            if newest > self.position {
                let page = page(&self.app, self.position, newest, self.locale.as_ref()).await;
                // A client that cannot be served now comes back and goes on where it was.
                let page = page.inspect_err(|error| tracing::warn!(%error, "an event stream was cut off")).ok()?;
                let (last, bytes) = (*page).clone()?;
                self.position = last;
                return Some(bytes);
            }
            let patience = HEARTBEAT.min(self.ends.saturating_duration_since(Instant::now()));
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                _ = self.closing.changed() => return None,
                () = self.sender.closed() => return None,
                () = tokio::time::sleep(patience) => {
                    if Instant::now() < self.ends {
                        return Some(Bytes::from_static(b": still here\n\n"));
                    }
                }
            }
        }
    }
}

/// One page of events, read once for all streams that stand there.
async fn page(
    app: &web::Data<AppState>,
    position: PublicSequence,
    newest: PublicSequence,
    locale: Option<&Locale>,
) -> Result<Arc<EventPage>, Problem> {
    let key = (position, newest, locale.map(ToString::to_string));
    let cell: Arc<OnceCell<Arc<EventPage>>> = SharedEventPages::get_or_insert(&app.events.pages, key);
    let read = || async {
        let list = feed::page(app, position, PAGE, locale, app.now()).await?;
        Ok::<_, Problem>(Arc::new(list.data.last().map(|last| (last.sequence, Bytes::from(events(&list.data))))))
    };
    cell.get_or_try_init(read).await.cloned()
}

fn events(changes: &[ChangeView]) -> String {
    let mut text = String::new();
    for change in changes {
        // JSON has no line breaks of its own: one line of data is the whole change.
        let data = serde_json::to_string(change).unwrap_or_default();
        let _ = write!(text, "id: {}\ndata: {data}\n\n", change.sequence);
    }
    text
}
