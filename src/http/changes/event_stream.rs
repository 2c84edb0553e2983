//! `GET /v1/events`: the change feed as server-sent events (WHATWG HTML, section 9.2).
//!
//! A stream buffers the page that its client receives and at most the next one: a slow client delays itself and costs no memory. Streams at
//! the same position share one read of the database.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use tokio::sync::{OnceCell, mpsc, watch};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::feed::{self, ChangeView, PageStart, SINCE};
use crate::domain::change::PublicSequence;
use crate::domain::locale::Locale;
use crate::http::request::auth::Reader;
use crate::http::request::param_rules::{LanguageTag, query_params};
use crate::http::request::params::header_param;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::response::streams;
use crate::http::state::app_state::AppState;
use crate::http::state::event_streams::{EventPage, SharedEventPages};

const LAST_EVENT_ID: &str = "last-event-id";
/// Changes that are read together.
const PAGE_SIZE: i64 = 20;
/// Proxies and clients close a connection that is silent for too long.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// A client that receives nothing for so long is disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client waits before it reconnects.
const RETRY_MILLISECONDS: u32 = 2_000;

query_params! {
    struct EventParams {
        /// Only changes with a larger number: that of the last one you have. 0 is the beginning.
        since: Option<i64> = SINCE,
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
    }
}

header_param!(
    /// Read by [`last_event_id`].
    LastEventId,
    "Last-Event-ID",
    False,
    "^[0-9]{1,15}$",
    "The `id` of the last event you have: the stream resumes after it. Browsers send it automatically."
);

/// One event of the stream, field by field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "events are written as text; this describes them")]
pub(crate) struct ChangeEvent {
    /// The change's number, for `Last-Event-ID`.
    #[schema(pattern = "^[0-9]+$", example = "12")]
    id: String,
    /// A `Change` as JSON, on one line.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Stream changes
///
/// The changes of `/v1/changes` as they happen, as server-sent events: `id` is the change's number, `data` the change as JSON. Starts after
/// `Last-Event-ID`, or else after `since`, or else with the next change. A comment line is sent every 15 seconds if nothing happens. The
/// server ends the stream after a while (an hour by default); clients reconnect with `Last-Event-ID` and miss nothing.
#[utoipa::path(
    tag = "Changes",
    params(EventParams, LastEventId),
    responses((
        status = 200,
        description = "Events, until either side ends the stream.",
        body = ChangeEvent,
        content_type = "text/event-stream",
    )),
    security((), ("bearer" = ["insights:write"])),
    extensions(("x-traits" = json!(["not-cacheable"]))),
)]
#[get("/v1/events")]
pub(crate) async fn stream_changes(app: web::Data<AppState>, request: HttpRequest, _reader: Reader) -> Result<HttpResponse, Problem> {
    let EventParams { since, locale } = EventParams::parse(&request)?;
    let freshness = app.freshness(app.now()).await?;
    let since = last_event_id(&request)?.or(since.map(PublicSequence));
    let position = since.unwrap_or(freshness.sequence);
    feed::check_since(position, freshness.sequence)?;
    let slot = app.events.permits.clone().try_acquire_owned();
    let slot = slot.map_err(|_full| Problem::unavailable("too many event streams are open: try again in a moment"))?;
    let (sender, receiver) = mpsc::channel(1);
    let event_stream = EventStream {
        newest: app.newest.clone(),
        closing: app.events.shutdown(),
        ends: Instant::now() + app.events.lifetime,
        floor: freshness.sequence,
        position,
        locale,
        app,
        sender,
    };
    // In a task of its own, which holds the slot: a client that disconnects or stops reading cannot cancel a read of the database, and does
    // not block the slot.
    actix_web::rt::spawn(async move {
        event_stream.run().await;
        drop(slot);
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
    /// The newest change when the client connected.
    floor: PublicSequence,
    position: PublicSequence,
    locale: Option<Locale>,
}

impl EventStream {
    async fn run(mut self) {
        let mut next = Some(Bytes::from(format!("retry: {RETRY_MILLISECONDS}\n: connected\n\n")));
        while let Some(bytes) = next {
            tokio::select! {
                sent = self.sender.send_timeout(bytes, SEND_TIMEOUT) => if sent.is_err() { return },
                _ = self.closing.wait_for(|closing| *closing) => return,
            }
            next = self.next().await;
        }
    }

    /// The next bytes to send; `None` when the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if *self.closing.borrow() || Instant::now() >= self.ends {
                return None;
            }
            // Changes from before the connection may not be known to this node's follower yet.
            let newest = self.floor.max(*self.newest.borrow_and_update());
            if newest > self.position {
                let page = shared_page(&self.app, self.position, newest, self.locale.as_ref()).await;
                // The client reconnects and resumes at its position.
                let page = page.inspect_err(|error| tracing::warn!(%error, "event stream closed: changes could not be read")).ok()?;
                let (last, bytes) = (*page).clone()?;
                self.position = last;
                return Some(bytes);
            }
            let silence = HEARTBEAT_INTERVAL.min(self.ends.saturating_duration_since(Instant::now()));
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                _ = self.closing.changed() => return None,
                () = self.sender.closed() => return None,
                () = tokio::time::sleep(silence) => {
                    if Instant::now() < self.ends {
                        return Some(Bytes::from_static(b": heartbeat\n\n"));
                    }
                }
            }
        }
    }
}

/// One page of events, read once for all streams at the same position.
async fn shared_page(
    app: &web::Data<AppState>,
    position: PublicSequence,
    newest: PublicSequence,
    locale: Option<&Locale>,
) -> Result<Arc<EventPage>, Problem> {
    let key = (position, newest, locale.map(ToString::to_string));
    let cell: Arc<OnceCell<Arc<EventPage>>> = SharedEventPages::get_or_insert(&app.events.pages, key);
    let read = || async {
        let start = PageStart { since: position, limit: PAGE_SIZE };
        let list = feed::changes_after(app, start, locale, app.now()).await?;
        Ok::<_, Problem>(Arc::new(list.data.last().map(|last| (last.sequence, Bytes::from(format_events(&list.data))))))
    };
    cell.get_or_try_init(read).await.cloned()
}

fn format_events(changes: &[ChangeView]) -> String {
    let mut text = String::new();
    for change in changes {
        // JSON has no line breaks of its own: one line of data is the whole change.
        let data = serde_json::to_string(change).unwrap_or_default();
        let _ = write!(text, "id: {}\ndata: {data}\n\n", change.sequence);
    }
    text
}
