//! The binary as an operator uses it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use insights::store::Store;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::support::Client;
use crate::support::app::draft;
use crate::support::database;

/// A serving process, killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
    pub(crate) banner: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn insights(folder: &Path, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_insights"));
    command.env("INSIGHTS_DATA_DIR", folder).env("INSIGHTS_DATABASE_URL", url).env_remove("INSIGHTS_BIND");
    command
}

pub(crate) fn serve(folder: &Path, url: &str, arguments: &[&str]) -> Serving {
    let mut command = insights(folder, url);
    let mut child =
        command.args(["serve", "--bind", "127.0.0.1:0"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().expect("the service prints its address");
    let banner = std::iter::once(first.clone()).chain(lines.take(4)).collect::<Vec<_>>().join("\n");
    let url = first.split_whitespace().last().unwrap().to_owned();
    Serving { child, url, banner }
}

pub(crate) fn client(serving: &Serving, token: Option<String>) -> Client {
    Client::new(reqwest::Client::new(), serving.url.clone(), token)
}

/// Standard output and standard error.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Creates a machine token with all scopes on the command line.
pub(crate) fn make_token(folder: &Path, url: &str) -> String {
    let output = insights(folder, url).args(["tokens", "create", "--name", "test", "--scopes", "admin"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_quick_start_works_from_an_empty_folder() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let serving = serve(folder.path(), &url, &["--demo"]);
    assert!(serving.banner.contains("/docs") && serving.banner.contains("tokens create"), "{}", serving.banner);
    assert_eq!(client(&serving, None).get("/v1/insights").await.expect(200).titles().len(), 6);
    // A token that is created while the service runs is valid at once.
    let admin = client(&serving, Some(make_token(folder.path(), &url)));
    admin.publish("By a token").await;
    let mut users = insights(folder.path(), &url);
    let users = users.args(["users", "create", "--email", "ada@example.org", "--name", "Ada", "--role", "editor"]);
    let mut child = users.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let credentials = json!({ "grant_type": "password", "email": "ada@example.org", "password": "correct horse battery" });
    client(&serving, None).post("/v1/auth/token", credentials).await.expect(200);
    let bind = serving.url.trim_start_matches("http://").to_owned();
    assert!(insights(folder.path(), &url).args(["health", "--bind", &bind]).output().unwrap().status.success());
    let checked = insights(folder.path(), &url).arg("check").output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
    drop(serving);
    assert!(!insights(folder.path(), &url).args(["health", "--bind", &bind]).output().unwrap().status.success());
}

#[tokio::test]
async fn a_graceful_stop_loses_no_acknowledged_write() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let mut serving = serve(folder.path(), &url, &["--demo"]);
    let token = make_token(folder.path(), &url);
    let created = client(&serving, Some(token.clone())).publish("Before the stop").await;
    let pid = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(serving.child.wait().unwrap().success(), "a graceful stop is a success");
    let again = serve(folder.path(), &url, &[]);
    let read = client(&again, None).get("/v1/insights/before-the-stop").await.expect(200);
    assert_eq!((read.id(), read.etag()), (created.id(), created.etag()));
}

/// After a kill at any moment, every acknowledged write is complete.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_loses_no_acknowledged_write() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..5 {
        let mut serving = serve(folder.path(), &url, if round == 0 { &["--demo"] } else { &[] });
        let admin = client(&serving, Some(make_token(folder.path(), &url)));
        for id in &acknowledged {
            admin.get(&format!("/v1/insights/{id}")).await.expect(200);
        }
        let writing = write_until_killed(serving.url.clone(), make_token(folder.path(), &url), round);
        let reading = async {
            for _ in 0..(20 * (round + 1)) {
                admin.get("/v1/insights").await.expect(200);
            }
            serving.child.kill().unwrap();
        };
        let (written, ()) = tokio::join!(writing, reading);
        acknowledged.extend(written);
        let checked = insights(folder.path(), &url).arg("check").output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
    assert!(acknowledged.len() > 5, "only {} writes: too few to prove anything", acknowledged.len());
}

async fn write_until_killed(url: String, token: String, round: usize) -> Vec<String> {
    let http = reqwest::Client::new();
    let mut ids = Vec::new();
    for n in 0.. {
        let request = http.post(format!("{url}/v1/insights")).bearer_auth(&token).json(&draft(&format!("Round {round} write {n}")));
        let Ok(response) = request.send().await else { break };
        let Ok(created) = response.json::<serde_json::Value>().await else { break };
        ids.push(created["id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn an_invalid_setting_stops_the_start_with_one_line() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = format!("sqlite://{}/x.db", folder.path().display());
    for (arguments, word) in [
        (&["serve", "--bind", "127.0.0.1:0", "--database-url", "mysql://x"][..], "sqlite:// or postgres://"),
        (&["serve", "--bind", "nowhere"], "--bind"),
        (&["serve", "--base-url", "nowhere"], "--base-url"),
        (&["serve", "--no-migrate", "--bind", "127.0.0.1:0"], "insights migrate"),
        (&["check"], "insights migrate"),
        (&["check", "--data-dir", "/nowhere", "--database-url", "sqlite://none.db"], "there is no database"),
        (&["serve", "--log", "a=b=c", "--bind", "127.0.0.1:0"], "INSIGHTS_LOG"),
        (&["serve", "--admin-email", "a@b"], "--admin-password"),
        (&["serve", "--max-connections", "0"], "0 is not in 1.."),
        (&["serve", "--max-requests", "0"], "0 is not in 1.."),
        (&["serve", "--max-body-bytes", "0"], "0 is not in 1.."),
        (&["serve", "--body-timeout", "0"], "0 is not in 1.."),
        (&["serve", "--event-stream-lifetime", "0"], "0 is not in 1.."),
        (&["serve", "--workers", "0"], "0 is not in 1.."),
        (&["serve", "--database-connections", "0"], "0 is not in 2.."),
        (&["serve", "--keep-alive", "18446744073709551615"], "is not in 0.."),
        (&["tokens", "create", "--name", "x", "--scopes", "everything"], "insights:write"),
        (&["tokens", "create", "--name", "x", "--scopes", "admin", "--expires-in", "soon"], "90d"),
    ] {
        let output = insights(folder.path(), &url).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(said(&output).contains(word), "{arguments:?} said: {}", said(&output));
    }
    let migrated = insights(folder.path(), &url).arg("migrate").output().unwrap();
    assert!(migrated.status.success() && said(&migrated).contains("migrated"), "{}", said(&migrated));
}

/// A limit of 0 in the environment names the flag; nothing is created.
#[test]
fn a_limit_of_zero_in_the_environment_stops_the_start() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = format!("sqlite://{}/x.db", folder.path().display());
    for (variable, flag) in [
        ("INSIGHTS_MAX_CONNECTIONS", "--max-connections"),
        ("INSIGHTS_MAX_REQUESTS", "--max-requests"),
        ("INSIGHTS_MAX_BODY_BYTES", "--max-body-bytes"),
        ("INSIGHTS_BODY_TIMEOUT", "--body-timeout"),
    ] {
        let output = insights(folder.path(), &url).args(["serve", "--bind", "127.0.0.1:0"]).env(variable, "0").output().unwrap();
        assert!(!output.status.success(), "{variable}");
        let lines: Vec<String> = said(&output).lines().filter(|line| line.contains("error")).map(str::to_owned).collect();
        assert!(lines.len() == 1 && lines[0].contains(flag) && lines[0].contains("0 is not in 1.."), "{variable}: {}", said(&output));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created");
}

#[test]
fn a_port_in_use_stops_the_start_before_anything_is_created() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = format!("sqlite://{}/x.db", folder.path().display());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for arguments in [&["serve", "--bind", &taken][..], &["serve", "--bind", "127.0.0.1:0", "--metrics-bind", &taken]] {
        let output = insights(folder.path(), &url).args(arguments).output().unwrap();
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{arguments:?}: {said}");
        assert!(said.contains(&format!("cannot listen on {taken}")) && said.contains("in use"), "{arguments:?}: {said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_stops_every_command_with_one_line() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    assert!(insights(folder.path(), &url).arg("migrate").output().unwrap().status.success());
    let store = Store::open(&url, 2).await.unwrap();
    let statement = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_future', 0)";
    store.writer().execute_unprepared(statement).await.unwrap();
    store.close().await.unwrap();
    for arguments in
        [&["serve", "--bind", "127.0.0.1:0"][..], &["serve", "--bind", "127.0.0.1:0", "--no-migrate"], &["migrate"], &["check"]]
    {
        let output = insights(folder.path(), &url).args(arguments).output().unwrap();
        let said = said(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{arguments:?}: {said}");
        for word in ["binary is too old", "m20990101_000001_future", "knows the steps up to m20"] {
            assert!(said.contains(word), "{arguments:?}: {said}");
        }
    }
}

#[tokio::test]
async fn the_first_administrator_is_created_from_the_settings() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let secret = folder.path().join("password");
    std::fs::write(&secret, "correct horse battery\n").unwrap();
    let arguments = ["--admin-email", "root@example.org", "--admin-password-file", secret.to_str().unwrap()];
    let serving = serve(folder.path(), &url, &arguments);
    let credentials = json!({ "grant_type": "password", "email": "root@example.org", "password": "correct horse battery" });
    let granted = client(&serving, None).post("/v1/auth/token", credentials).await.expect(200).json();
    assert!(granted["scope"].as_str().unwrap().ends_with("admin"));
}

/// Starts the service in an empty folder with the default log filter, stops it, and returns the log.
fn log_of_a_start(folder: &Path, url: &str) -> Vec<String> {
    let mut command = insights(folder, url);
    command.args(["serve", "--bind", "127.0.0.1:0"]).env_remove("INSIGHTS_LOG").env_remove("RUST_LOG");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut banner = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = banner.next().expect("the service prints its address");
    assert!(first.starts_with("Insights API") && first.contains("http://"), "{first}");
    let rest = banner.by_ref().take(4).collect::<Vec<_>>().join("\n");
    assert!(rest.contains("/docs") && rest.contains("tokens create"), "{rest}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
}

/// One line for all migrations, and nothing of the libraries below `warn`.
#[tokio::test]
async fn a_first_start_logs_one_line_for_its_migrations() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    // The service's own events; what else is logged must be a warning.
    let is_own = |line: &String| ["schema migrated steps=", "search index", "stopping"].iter().any(|event| line.contains(event));
    let is_warning = |line: &String| line.contains(" WARN ") || line.contains("ERROR ");
    let migrations = |log: &[String]| log.iter().filter(|line| line.contains("migrat")).cloned().collect::<Vec<_>>();
    let first = log_of_a_start(folder.path(), &url);
    assert!(first.iter().all(|line| is_own(line) || is_warning(line)), "{first:#?}");
    let [line] = &migrations(&first)[..] else { panic!("{first:#?}") };
    assert!(line.contains("INFO schema migrated steps=") && line.contains("from=") && line.contains("to="), "{line}");
    let second = log_of_a_start(folder.path(), &url);
    assert!(second.iter().all(|line| is_own(line) || is_warning(line)) && migrations(&second).is_empty(), "{second:#?}");
}

#[test]
fn the_help_lists_settings_and_openapi_prints_the_document() {
    let help = Command::new(env!("CARGO_BIN_EXE_insights")).args(["serve", "--help"]).output().unwrap();
    let help = said(&help);
    for setting in
        ["INSIGHTS_DATA_DIR", "INSIGHTS_DATABASE_URL", "INSIGHTS_BIND", "INSIGHTS_BASE_URL", "INSIGHTS_LOG", "INSIGHTS_ADMIN_EMAIL"]
    {
        assert!(help.contains(setting), "{setting}");
    }
    let document = Command::new(env!("CARGO_BIN_EXE_insights")).arg("openapi").output().unwrap();
    assert_eq!(said(&document), format!("{:#}\n", insights::http::routes::document()));
}
