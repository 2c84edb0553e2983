//! Settings: each is a flag and an environment variable of the same name, read once. No other module reads the environment.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::domain::text;

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct DataSettings {
    /// Folder of the embedded database
    #[arg(long, env = "INSIGHTS_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// The database; a relative path lies in the data folder
    #[arg(
        long,
        env = "INSIGHTS_DATABASE_URL",
        hide_env_values = true,
        help = "sqlite://PATH (a relative path lies in the data folder) or postgres://USER:PASSWORD@HOST/DATABASE [default: sqlite://insights.db]"
    )]
    pub database_url: Option<String>,

    /// File that holds the database URL, for secret stores
    #[arg(long, env = "INSIGHTS_DATABASE_URL_FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,

    /// Connections to PostgreSQL
    #[arg(long, env = "INSIGHTS_DATABASE_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
}

/// How the service serves.
#[derive(Clone, Debug, Args)]
pub struct ServeSettings {
    #[command(flatten)]
    pub data: DataSettings,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "INSIGHTS_BIND", default_value = "127.0.0.1:8080")]
    pub bind: std::net::SocketAddr,

    /// Another address and port, for /metrics alone; it is not on the service's own then
    #[arg(long, env = "INSIGHTS_METRICS_BIND")]
    pub metrics_bind: Option<std::net::SocketAddr>,

    /// Public address of the service, for links and token issuers [default: http:// and the address it listens on]
    #[arg(long, env = "INSIGHTS_BASE_URL", value_parser = base_url)]
    pub base_url: Option<String>,

    /// Load the six sample insights into an empty database
    #[arg(long, env = "INSIGHTS_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,

    /// Do not bring the schema up to date; refuse to start when it is behind
    #[arg(long, env = "INSIGHTS_NO_MIGRATE", value_parser = BoolishValueParser::new())]
    pub no_migrate: bool,

    /// E-mail address of the administrator to make when there are no users yet
    #[arg(long, env = "INSIGHTS_ADMIN_EMAIL", requires = "admin_secret")]
    pub admin_email: Option<String>,

    /// Password of that administrator
    #[arg(long, env = "INSIGHTS_ADMIN_PASSWORD", hide_env_values = true, group = "admin_secret")]
    pub admin_password: Option<String>,

    /// File that holds that password
    #[arg(long, env = "INSIGHTS_ADMIN_PASSWORD_FILE", group = "admin_secret")]
    pub admin_password_file: Option<PathBuf>,

    /// Worker threads [default: one for each processor]
    #[arg(long, env = "INSIGHTS_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,

    /// Connections that may be open at once; more wait in the system's queue
    #[arg(long, env = "INSIGHTS_MAX_CONNECTIONS", default_value_t = 10_000)]
    pub max_connections: usize,

    /// Requests that are answered at once; more are told to come back (503)
    #[arg(long, env = "INSIGHTS_MAX_REQUESTS", default_value_t = 1_000)]
    pub max_requests: usize,

    /// Bytes that a request's body may have
    #[arg(long, env = "INSIGHTS_MAX_BODY_BYTES", default_value_t = 4_194_304)]
    pub max_body_bytes: usize,

    /// Seconds within which a request's body must arrive
    #[arg(long, env = "INSIGHTS_BODY_TIMEOUT", default_value_t = 30)]
    pub body_timeout: u64,

    /// Bytes of memory for finished answers; 0 keeps none
    #[arg(long, env = "INSIGHTS_CACHE_BYTES", default_value_t = 16_777_216)]
    pub cache_bytes: u64,

    /// Event streams that may be open at once; the next one is told to come back (503)
    #[arg(long, env = "INSIGHTS_MAX_EVENT_STREAMS", default_value_t = 1_000)]
    pub max_event_streams: usize,

    /// Seconds after which an event stream ends; clients come back and go on where they were
    #[arg(long, env = "INSIGHTS_EVENT_STREAM_LIFETIME", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..))]
    pub event_stream_lifetime: u64,

    /// Seconds that an idle connection is kept
    #[arg(long, env = "INSIGHTS_KEEP_ALIVE", default_value_t = 75)]
    pub keep_alive: u64,

    /// Seconds that requests in flight get when the service stops
    #[arg(long, env = "INSIGHTS_SHUTDOWN_TIMEOUT", default_value_t = 30)]
    pub shutdown_timeout: u64,

    /// Believe X-Forwarded-For: only behind a proxy that sets it
    #[arg(long, env = "INSIGHTS_TRUST_FORWARDED", value_parser = BoolishValueParser::new())]
    pub trust_forwarded: bool,

    #[command(flatten)]
    pub log: LogSettings,
}

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
pub struct LogSettings {
    /// Which events, such as info, debug or insights=debug,warn
    #[arg(long = "log", env = "INSIGHTS_LOG", default_value = "info")]
    pub filter: String,

    /// How they are written
    #[arg(long, env = "INSIGHTS_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
}

/// A setting that cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot make the data folder {path}: {source}")]
    DataFolder { path: PathBuf, source: std::io::Error },
    #[error("there is no database at {path}: look at --data-dir and --database-url")]
    NoDatabase { path: PathBuf },
    #[error("the database URL must begin with sqlite:// or postgres://")]
    DatabaseUrl,
}

impl DataSettings {
    /// The database's URL with a path that does not depend on where the process stands; makes the data folder if that is where it is.
    ///
    /// # Errors
    /// When a file cannot be read, a folder not made, or the URL is neither of the two kinds.
    pub fn resolved_url(&self) -> Result<String, ConfigError> {
        let given = match &self.database_url_file {
            Some(path) => Some(read_secret(path)?),
            None => self.database_url.clone(),
        };
        let url = given.unwrap_or_else(|| "sqlite://insights.db".to_owned());
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(url);
        }
        let path = url.strip_prefix("sqlite://").ok_or(ConfigError::DatabaseUrl)?;
        let full = self.data_dir.join(path);
        if let Some(folder) = full.parent() {
            let failed = |source| ConfigError::DataFolder { path: folder.to_owned(), source };
            // The database holds signing keys and password hashes: nobody else on the machine reads it.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&full).map_err(failed)?;
        }
        Ok(format!("sqlite://{}", full.display()))
    }

    /// Where the search index is.
    #[must_use]
    pub fn search_dir(&self) -> PathBuf {
        self.data_dir.join("search")
    }

    /// As [`DataSettings::resolved_url`], for commands that must not make a database where there is none.
    ///
    /// # Errors
    /// Also when there is no database.
    pub fn existing_url(&self) -> Result<String, ConfigError> {
        let given = self.database_url.as_deref().unwrap_or("sqlite://insights.db");
        let file = given.strip_prefix("sqlite://").map(|path| self.data_dir.join(path)).filter(|_| self.database_url_file.is_none());
        match file.filter(|file| !file.exists()) {
            Some(path) => Err(ConfigError::NoDatabase { path }),
            None => self.resolved_url(),
        }
    }
}

impl ServeSettings {
    /// The administrator to make at the first start, when one was asked for.
    ///
    /// # Errors
    /// When the password's file cannot be read.
    pub fn first_admin(&self) -> Result<Option<(String, String)>, ConfigError> {
        let Some(email) = &self.admin_email else { return Ok(None) };
        let password = match &self.admin_password_file {
            Some(path) => Some(read_secret(path)?),
            None => self.admin_password.clone(),
        };
        Ok(password.map(|password| (email.clone(), password)))
    }
}

fn read_secret(path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn base_url(text: &str) -> Result<String, String> {
    text::url(text).map(|url| url.trim_end_matches('/').to_owned()).map_err(|refused| refused.detail)
}
