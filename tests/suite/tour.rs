//! The tutorial, run as it is written, and run again on the same database.

use std::path::Path;
use std::process::Command;

use crate::cli::serve;
use crate::support::database;

#[tokio::test]
async fn the_tutorial_works_twice_on_one_database() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let serving = serve(folder.path(), &url, &["--demo"]);
    for run in ["first", "second"] {
        let (succeeded, printed) = tour(&serving.url, folder.path(), &url);
        assert!(succeeded, "the {run} run\n{printed}");
    }
}

/// Runs `scripts/tour` with the binary of this build first on the path; `curl` and `jq` are those of the machine.
#[expect(clippy::disallowed_methods, reason = "the programs of the tutorial are found on the path")]
fn tour(base: &str, data_dir: &Path, database_url: &str) -> (bool, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_insights"));
    let own = std::iter::once(binary.parent().unwrap().to_path_buf());
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(own.chain(std::env::split_paths(&inherited))).unwrap();
    let mut command = Command::new("bash");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tour")).env("BASE", base).env("PATH", path);
    let output = command.env("INSIGHTS_DATA_DIR", data_dir).env("INSIGHTS_DATABASE_URL", database_url).output().unwrap();
    let printed = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), printed)
}
