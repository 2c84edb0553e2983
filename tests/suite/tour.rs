//! The README's five-minute tour, run as it stands.

use std::path::Path;
use std::process::Command;

use crate::cli::serve;
use crate::support::database;

#[tokio::test]
async fn the_tour_in_the_readme_works() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let url = database::fresh(&folder).await;
    let serving = serve(folder.path(), &url, &["--demo"]);
    let binary = Path::new(env!("CARGO_BIN_EXE_insights"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tour");
    let mut tour = Command::new("bash");
    let tour = tour.arg(script).env("BASE", &serving.url).env("PATH", path);
    let output = tour.env("INSIGHTS_DATA_DIR", folder.path()).env("INSIGHTS_DATABASE_URL", &url).output().unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}
