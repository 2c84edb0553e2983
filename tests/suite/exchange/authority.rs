//! An import does nothing after the authority of its sender has ended, and nothing after it was cancelled.

use std::convert::Infallible;

use futures_util::{StreamExt as _, stream};
use insights::domain::authority::{Editor, Origin, Principal, Role, Scope};
use insights::domain::import_state::ImportState;
use insights::editorial::imports::{self, ImportMode, ImportWorker, ReceivedLine};
use insights::store;
use insights::store::imports::Import;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{import, items, line};
use crate::support::{Client, TestApp};

const ITEMS: i64 = 3_000;
const ENDED: &str = "the authority of its sender ended: items that are still waiting were not applied";

/// How many of the newest insights are public.
async fn count_public(app: &TestApp) -> i64 {
    app.anonymous().get("/v1/insights?count=exact&limit=1").await.expect(200).json()["meta"]["total"].as_i64().unwrap()
}

fn sender(scopes: &[Scope]) -> Principal {
    Principal { scopes: scopes.to_vec(), name: "sender".to_owned(), ..Principal::system(Origin::Api) }
}

async fn create_token(admin: &Client, input: Value) -> Uuid {
    admin.post("/v1/tokens", input).await.expect(201).id().parse().unwrap()
}

fn lines(range: std::ops::Range<i64>) -> Vec<ReceivedLine> {
    let published = |n: i64| {
        let mut line = line(&format!("item-{n}"));
        line["status"] = json!("published");
        line.to_string()
    };
    range.map(|n| ReceivedLine { name: format!("line {n}"), input: published(n), notes: Vec::new(), refused: None }).collect()
}

/// Receives published insights from a sender; `worker` holds the first lease.
async fn receive(app: &TestApp, sender: &Principal, atomic: bool, worker: Uuid) -> Import {
    let editor = Editor::try_from_principal(sender.clone()).unwrap();
    let mode = ImportMode { source: "a test".to_owned(), atomic, validate_only: false };
    let mut receiver = imports::begin(app.store(), &editor, mode, app.now()).await.unwrap();
    receiver.add(app.store(), lines(0..ITEMS), app.now()).await.unwrap();
    let pending = receiver.complete(app.store(), &editor, Some(worker), app.now()).await.unwrap();
    pending.commit(app.store(), app.now()).await.unwrap()
}

/// Applies an import; after the first batch, `interrupt` runs. Returns the import as it ended.
async fn apply_and_interrupt<F: Future<Output = ()> + Send>(
    app: &TestApp,
    sender: &Principal,
    interrupt: impl FnOnce(Uuid) -> F,
) -> Import {
    let clock = app.clock();
    let worker = ImportWorker::new(app.store(), &clock);
    let import = receive(app, sender, false, worker.id()).await;
    let mut interrupt = Some(interrupt(import.id));
    let on_progress = |_| {
        let interrupt = interrupt.take();
        async move {
            if let Some(interrupt) = interrupt {
                interrupt.await;
            }
        }
    };
    worker.run_until_finished(import.id, on_progress).await.unwrap();
    find(app, import.id).await
}

async fn find(app: &TestApp, import: Uuid) -> Import {
    store::imports::find(app.store().reader(), import).await.unwrap().unwrap()
}

/// The sender of an empty import of a client.
async fn sender_of(app: &TestApp, client: &Client, role: Role) -> Principal {
    let sent = import(client, "", &[]).await;
    let row = find(app, sent["id"].as_str().unwrap().parse().unwrap()).await;
    assert!(row.session_id.is_some());
    Principal { user_id: row.user_id, session_id: row.session_id, role: Some(role), ..sender(role.scopes()) }
}

/// The import has failed after its first batch, and says so.
async fn assert_stopped(app: &TestApp, import: &Import, problem: &str, limit: i64) {
    assert_eq!((import.state, import.problem.as_deref()), (ImportState::Failed, Some(problem)));
    assert!(import.created > 0 && import.created <= limit, "{} items were applied", import.created);
    assert_eq!((import.updated, import.unchanged, import.failed), (0, 0, 0));
    let admin = app.admin().await;
    let shown = admin.get(&format!("/v1/imports/{}", import.id)).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["problem"]), (&json!("failed"), &json!(problem)));
    assert_eq!(shown["counts"]["waiting"], ITEMS - import.created);
    assert_eq!(items(&admin, &shown["id"], "&state=waiting").await.len(), 100);
    assert_eq!(count_public(app).await, import.created);
    // It stays so, whoever looks for work.
    app.advance(60_000);
    let clock = app.clock();
    assert!(ImportWorker::new(app.store(), &clock).run_next(|_| std::future::ready(())).await.unwrap().is_none());
    assert_eq!(count_public(app).await, import.created);
}

#[tokio::test]
async fn an_import_ends_with_the_token_of_its_sender() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let scopes = [Scope::InsightsWrite, Scope::InsightsPublish];
    let id = create_token(&admin, json!({ "name": "theirs", "scopes": ["insights:write", "insights:publish"] })).await;
    let theirs = Principal { token_id: Some(id), ..sender(&scopes) };
    let import = apply_and_interrupt(&app, &theirs, |_| async {
        admin.delete(&format!("/v1/tokens/{id}"), "*").await.expect(204);
    })
    .await;
    assert_stopped(&app, &import, ENDED, 128).await;
}

#[tokio::test]
async fn an_import_ends_when_the_token_of_its_sender_expires() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let expiring = json!({ "name": "theirs", "scopes": ["admin"], "expires_at": "2026-11-23T12:00:01Z" });
    let theirs = Principal { token_id: Some(create_token(&admin, expiring).await), ..sender(&[Scope::Admin]) };
    let import = apply_and_interrupt(&app, &theirs, |_| async { app.advance(1_000) }).await;
    assert_stopped(&app, &import, ENDED, 128).await;
}

#[tokio::test]
async fn an_import_ends_when_its_sender_is_disabled_deleted_or_signed_out() {
    for ending in ["disabled", "deleted", "password", "signed out"] {
        let app = TestApp::with_terms().await;
        let admin = app.admin().await;
        let (editor, granted) = app.signed_in("editor@example.org", "editor").await;
        let theirs = sender_of(&app, &editor, Role::Editor).await;
        let path = format!("/v1/users/{}", theirs.user_id.unwrap());
        let import = apply_and_interrupt(&app, &theirs, |_| async {
            match ending {
                "disabled" => admin.patch(&path, "*", json!({ "disabled": true })).await.expect(200),
                "deleted" => admin.delete(&path, "*").await.expect(204),
                "password" => admin.patch(&path, "*", json!({ "password": "another long password" })).await.expect(200),
                _ => app.anonymous().post("/v1/auth/revoke", json!({ "token": granted["refresh_token"] })).await.expect(200),
            };
        })
        .await;
        assert_stopped(&app, &import, ENDED, 128).await;
    }
}

/// What is left of the sender's scopes is what the other items may do.
#[tokio::test]
async fn an_import_loses_a_scope_with_its_sender() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (editor, _) = app.signed_in("editor@example.org", "editor").await;
    let theirs = sender_of(&app, &editor, Role::Editor).await;
    let path = format!("/v1/users/{}", theirs.user_id.unwrap());
    let import = apply_and_interrupt(&app, &theirs, |_| async {
        admin.patch(&path, "*", json!({ "role": "author" })).await.expect(200);
    })
    .await;
    assert_eq!((import.state, import.created + import.failed), (ImportState::Done, ITEMS));
    assert!(import.created > 0 && import.created <= 128, "{} items were published", import.created);
    assert_eq!(count_public(&app).await, import.created);
    let failed = items(&admin, &json!(import.id), "&state=failed").await;
    assert!(failed.iter().all(|item| item["problem"]["code"] == "insufficient-scope"), "{failed:?}");
}

/// An atomic import that has not begun, or that a worker takes over, applies nothing.
#[tokio::test]
async fn an_atomic_import_of_a_revoked_token_applies_nothing() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let id = create_token(&admin, json!({ "name": "theirs", "scopes": ["admin"] })).await;
    let theirs = Principal { token_id: Some(id), ..sender(&[Scope::Admin]) };
    let clock = app.clock();
    let worker = ImportWorker::new(app.store(), &clock);
    let import = receive(&app, &theirs, true, worker.id()).await;
    admin.delete(&format!("/v1/tokens/{id}"), "*").await.expect(204);
    worker.run_until_finished(import.id, |_| std::future::ready(())).await.unwrap();
    let import = find(&app, import.id).await;
    assert_eq!((import.state, import.problem.as_deref(), import.created), (ImportState::Failed, Some(ENDED), 0));
    assert_eq!(count_public(&app).await, 0);
}

/// An upload whose body is sent by the test: the lines, once the upload has begun and `interrupt` has run.
async fn upload(app: &TestApp, token: &str, interrupt: impl AsyncFnOnce(Uuid)) -> reqwest::Response {
    let (body, chunks) = tokio::sync::mpsc::channel::<Vec<u8>>(1);
    let chunks = stream::unfold(chunks, async |mut chunks| chunks.recv().await.map(|chunk| (Ok::<_, Infallible>(chunk), chunks)));
    let sent = reqwest::Client::new()
        .post(format!("{}/v1/imports", app.url))
        .bearer_auth(token)
        .header("content-type", "application/x-ndjson")
        .header("x-request-id", "upload")
        .body(reqwest::Body::wrap_stream(chunks.boxed()))
        .send();
    let mut live = line("after-revocation");
    live["status"] = json!("published");
    let sending = async {
        body.send(b"\n".to_vec()).await.unwrap();
        let id = loop {
            if let Some(import) = store::imports::find_open(app.store().reader(), "request upload").await.unwrap() {
                break import.id;
            }
            tokio::task::yield_now().await;
        };
        interrupt(id).await;
        body.send(live.to_string().into_bytes()).await.unwrap();
        drop(body);
    };
    let (response, ()) = futures_util::future::join(sent, sending).await;
    response.unwrap()
}

#[tokio::test]
async fn an_upload_ends_with_the_token_of_its_sender() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.post("/v1/tokens", json!({ "name": "theirs", "scopes": ["admin"] })).await.expect(201).json();
    let path = format!("/v1/tokens/{}", created["id"].as_str().unwrap());
    let response = upload(&app, created["token"].as_str().unwrap(), async |_| {
        admin.delete(&path, "*").await.expect(204);
    })
    .await;
    assert_eq!(response.status(), 401);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "unauthenticated");
    app.anonymous().get("/v1/insights/after-revocation").await.expect(404);
    assert_eq!(store::imports::find_open(app.store().reader(), "request upload").await.unwrap(), None);
}

const CANCELLED: &str = "it was cancelled: items that are still waiting were not applied";

#[tokio::test]
async fn a_running_import_can_be_cancelled_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let path = |id: Uuid| format!("/v1/imports/{id}");
    let stopped = apply_and_interrupt(&app, &sender(&Scope::ALL), |id| {
        let (admin, path) = (&admin, path(id));
        async move {
            admin.delete(&format!("{path}?validate_only=true"), "*").await.expect(200);
            assert!(admin.get(&path).await.expect(200).json()["finished_at"].is_null());
            assert_eq!(admin.delete(&path, "*").await.expect(204).text(), "");
        }
    })
    .await;
    assert_stopped(&app, &stopped, CANCELLED, 128).await;
    admin.delete(&path(stopped.id), "*").await.problem(409, "import-ended");
    let done = import(&admin, "", &[line("a")]).await;
    admin.delete(&format!("/v1/imports/{}", done["id"].as_str().unwrap()), "*").await.problem(409, "import-ended");
    admin.delete(&path(Uuid::from_u128(7)), "*").await.problem(404, "not-found");
    let log = admin.get("/v1/audit-log?resource=import").await.expect(200).json();
    let actions: Vec<&Value> = log["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions.iter().filter(|action| **action == "cancelled").count(), 1, "{actions:?}");
}

#[tokio::test]
async fn only_the_sender_or_an_administrator_cancels_an_import() {
    let app = TestApp::with_terms().await;
    let (author, _) = app.signed_in("author@example.org", "author").await;
    let (other, _) = app.signed_in("other@example.org", "author").await;
    let (editor, _) = app.signed_in("editor@example.org", "editor").await;
    let theirs = sender_of(&app, &author, Role::Author).await;
    let worker = Uuid::from_u128(1);
    let waiting = receive(&app, &theirs, false, worker).await;
    let path = format!("/v1/imports/{}", waiting.id);
    app.anonymous().delete(&path, "*").await.problem(401, "unauthenticated");
    other.delete(&path, "*").await.problem(404, "not-found");
    editor.get(&path).await.expect(200);
    editor.delete(&path, "*").await.problem(403, "insufficient-scope");
    let cancelled = async |client: &Client| {
        client.delete(&path, "*").await.expect(204);
        let ended = find(&app, waiting.id).await;
        assert_eq!((ended.state, ended.problem.as_deref(), ended.created), (ImportState::Failed, Some(CANCELLED), 0));
    };
    cancelled(&author).await;
    // Nobody processes it when the lease is free.
    app.advance(60_000);
    let clock = app.clock();
    assert!(ImportWorker::new(app.store(), &clock).run_next(|_| std::future::ready(())).await.unwrap().is_none());
    assert_eq!(count_public(&app).await, 0);
}

#[tokio::test]
async fn a_cancelled_upload_is_refused_and_stays_cancelled() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let token = app.machine_token(&[Scope::Admin]).await;
    let cancelled = std::sync::Mutex::new(None);
    let response = upload(&app, &token, async |id| {
        admin.delete(&format!("/v1/imports/{id}"), "*").await.expect(204);
        *cancelled.lock().unwrap() = Some(id);
    })
    .await;
    assert_eq!(response.status(), 409);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "import-ended");
    let cancelled = cancelled.into_inner().unwrap().unwrap();
    let ended = find(&app, cancelled).await;
    assert_eq!((ended.state, ended.problem.as_deref(), ended.total), (ImportState::Failed, Some(CANCELLED), 0));
    app.anonymous().get("/v1/insights/after-revocation").await.expect(404);
}
