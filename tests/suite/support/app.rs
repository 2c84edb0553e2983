//! The real service on a free port, with a manual clock that only the test advances.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use insights::app::App;
use insights::config::{DataSettings, LogSettings, ServeSettings};
use insights::domain::authority::{Admin, Origin, Scope};
use insights::domain::clock::{Clock, Timestamp};
use insights::domain::user::{TokenDraft, UserDraft};
use insights::editorial::accounts;
use insights::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use super::database;

/// The time at which the clock of every test starts.
pub(crate) const START: &str = "2026-11-23T12:00:00Z";

pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) url: String,
    folder: TempDir,
    settings: ServeSettings,
    clock: Arc<AtomicI64>,
    http: reqwest::Client,
}

impl TestApp {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With the four categories of the reference site and a few tags and authors.
    pub(crate) async fn with_terms() -> Self {
        let app = Self::start().await;
        let admin = app.admin().await;
        for name in ["Debugging", "Infrastructure", "Data Engineering", "Distributed Systems"] {
            admin.post("/v1/categories", json!({ "name": name })).await.expect(201);
        }
        for (path, name) in [("tags", "Rust"), ("tags", "SQL"), ("tags", "Ops"), ("authors", "Ada"), ("authors", "Grace")] {
            admin.post(&format!("/v1/{path}"), json!({ "name": name })).await.expect(201);
        }
        app
    }

    /// As [`TestApp::with_terms`], with the URL of its database, for commands that open it too.
    pub(crate) async fn with_terms_at() -> (Self, String) {
        let app = Self::with_terms().await;
        let url = app.settings.data.database_url.clone().unwrap();
        (app, url)
    }

    /// With the samples, and the URL of its database.
    pub(crate) async fn demo_at() -> (Self, String) {
        let app = Self::start_with(|settings| settings.demo = true).await;
        let url = app.settings.data.database_url.clone().unwrap();
        (app, url)
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut ServeSettings)) -> Self {
        let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
        let mut settings = settings(&folder, database::fresh(&folder).await);
        change(&mut settings);
        let clock = Arc::new(AtomicI64::new(Timestamp::parse(START).unwrap().0));
        Self::of(folder, settings, clock).await
    }

    async fn of(folder: TempDir, settings: ServeSettings, clock: Arc<AtomicI64>) -> Self {
        let app = App::start(&settings, Clock::Manual(clock.clone())).await.expect("the service starts");
        app.settled().await.expect("the projections catch up");
        Self { url: app.base_url.clone(), app, folder, settings, clock, http: reqwest::Client::builder().build().unwrap() }
    }

    /// The same service on the same database, without its search index.
    pub(crate) async fn restart_without_index(self) -> Self {
        let Self { app, folder, settings, clock, .. } = self;
        app.stop().await.unwrap();
        std::fs::remove_dir_all(settings.data.search_dir()).unwrap();
        Self::of(folder, settings, clock).await
    }

    /// A second node: another service on the same database, with a search index of its own.
    pub(crate) async fn second_node(&self) -> Self {
        let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
        let mut settings = self.settings.clone();
        settings.data.data_dir = folder.path().to_owned();
        Self::of(folder, settings, self.clock.clone()).await
    }

    /// A second node, if the database supports one.
    pub(crate) async fn second_node_if_shared(&self) -> Option<Self> {
        if self.store().is_postgres() { Some(self.second_node().await) } else { None }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.app.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }

    /// The clock of the service.
    pub(crate) fn clock(&self) -> Clock {
        Clock::Manual(self.clock.clone())
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), self.url.clone(), None)
    }

    pub(crate) fn with_token(&self, token: &str) -> Client {
        Client::new(self.http.clone(), self.url.clone(), Some(token.to_owned()))
    }

    pub(crate) async fn admin(&self) -> Client {
        self.with_token(&self.machine_token(&[Scope::Admin]).await)
    }

    /// Creates a machine token with these scopes and no owner.
    pub(crate) async fn machine_token(&self, scopes: &[Scope]) -> String {
        let draft = TokenDraft { name: "test".to_owned(), scopes: scopes.to_vec(), expires_at: None };
        let pending = accounts::create_token(self.store(), &Admin::system(Origin::Cli), draft, self.now()).await.unwrap();
        pending.commit(self.store(), self.now()).await.unwrap().1
    }

    /// A signed-in user, and the response of the sign-in.
    pub(crate) async fn signed_in(&self, email: &str, role: &str) -> (Client, Value) {
        let password = "correct horse battery";
        let input = json!({ "email": email, "name": email, "role": role, "password": password });
        let admin = Admin::system(Origin::Cli);
        let pending = accounts::create_user(self.store(), &admin, UserDraft::parse(input).unwrap(), self.now()).await.unwrap();
        pending.commit(self.store(), self.now()).await.unwrap();
        let credentials = json!({ "grant_type": "password", "email": email, "password": password });
        let granted = self.anonymous().post("/v1/auth/token", credentials).await.expect(200).json();
        (self.with_token(granted["access_token"].as_str().unwrap()), granted)
    }
}

pub(crate) fn settings(folder: &TempDir, database_url: String) -> ServeSettings {
    ServeSettings {
        data: DataSettings {
            data_dir: folder.path().to_owned(),
            database_url: Some(database_url),
            database_url_file: None,
            database_connections: 10,
        },
        bind: "127.0.0.1:0".parse().unwrap(),
        base_url: None,
        metrics_bind: None,
        demo: false,
        no_migrate: false,
        admin_email: None,
        admin_password: None,
        admin_password_file: None,
        workers: Some(2),
        max_connections: 1_000,
        max_requests: 1_000,
        max_body_bytes: 1_000_000,
        body_timeout: 1,
        cache_bytes: 10_000_000,
        max_event_streams: 100,
        event_stream_lifetime: 1,
        keep_alive: 75,
        shutdown_timeout: 1,
        trust_forwarded: false,
        log: LogSettings { filter: "warn".to_owned(), log_format: "text".to_owned() },
    }
}

/// A draft that can be created.
pub(crate) fn draft(title: &str) -> Value {
    json!({ "title": title, "body_markdown": format!("The body of {title}."), "category": "debugging" })
}
