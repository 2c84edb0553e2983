//! Settings: each is a flag and an environment variable, read once at the start. No other module reads the environment.
//!
//! `docs/reference/configuration.md` is generated from here.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{BoolishValueParser, RangedU64ValueParser};

use crate::domain::text;

/// The longest timeout: a year.
const MAX_SECONDS: u64 = 31_536_000;

/// Where the data is stored.
#[derive(Clone, Debug, Args)]
pub struct DataSettings {
    /// Folder of the embedded database
    #[arg(long, env = "INSIGHTS_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// URL of the database; a relative path is in the data folder
    #[arg(
        long,
        env = "INSIGHTS_DATABASE_URL",
        hide_env_values = true,
        help = "sqlite://PATH (a relative path is in the data folder) or postgres://USER:PASSWORD@HOST/DATABASE \
                [default: sqlite://insights.db]"
    )]
    pub database_url: Option<String>,

    /// File that contains the database URL, for secret stores
    #[arg(long, env = "INSIGHTS_DATABASE_URL_FILE", conflicts_with = "database_url")]
    pub database_url_file: Option<PathBuf>,

    /// Maximum number of connections to PostgreSQL
    #[arg(long, env = "INSIGHTS_DATABASE_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub database_connections: u32,
}

/// The settings of `insights serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeSettings {
    #[command(flatten)]
    pub data: DataSettings,

    /// Address and port to listen on; port 0 chooses a free one
    #[arg(long, env = "INSIGHTS_BIND", default_value = "127.0.0.1:8080")]
    pub bind: std::net::SocketAddr,

    /// Separate address and port for /metrics, which the service's own address then does not serve
    #[arg(long, env = "INSIGHTS_METRICS_BIND")]
    pub metrics_bind: Option<std::net::SocketAddr>,

    /// Public URL of the service, for links and as the issuer of tokens [default: http:// and the address it listens on]
    #[arg(long, env = "INSIGHTS_BASE_URL", value_parser = parse_base_url)]
    pub base_url: Option<String>,

    /// Load the six sample insights into an empty database
    #[arg(long, env = "INSIGHTS_DEMO", value_parser = BoolishValueParser::new())]
    pub demo: bool,

    /// Run no migrations; refuse to start if one is missing
    #[arg(long, env = "INSIGHTS_NO_MIGRATE", value_parser = BoolishValueParser::new())]
    pub no_migrate: bool,

    /// Email address of the administrator to create if there are no users yet
    #[arg(long, env = "INSIGHTS_ADMIN_EMAIL", requires = "admin_secret")]
    pub admin_email: Option<String>,

    /// Password of that administrator
    #[arg(long, env = "INSIGHTS_ADMIN_PASSWORD", hide_env_values = true, group = "admin_secret")]
    pub admin_password: Option<String>,

    /// File that contains that password
    #[arg(long, env = "INSIGHTS_ADMIN_PASSWORD_FILE", group = "admin_secret")]
    pub admin_password_file: Option<PathBuf>,

    /// Worker threads [default: one for each processor]
    #[arg(long, env = "INSIGHTS_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,

    /// Maximum number of open connections; more wait in the system's queue
    #[arg(long, env = "INSIGHTS_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = at_least_one())]
    pub max_connections: usize,

    /// Maximum number of requests in progress; more are refused with 503
    #[arg(long, env = "INSIGHTS_MAX_REQUESTS", default_value_t = 1_000, value_parser = at_least_one())]
    pub max_requests: usize,

    /// Maximum size of a request body in bytes
    #[arg(long, env = "INSIGHTS_MAX_BODY_BYTES", default_value_t = 4_194_304, value_parser = at_least_one())]
    pub max_body_bytes: usize,

    /// Seconds within which a request body must arrive
    #[arg(long, env = "INSIGHTS_BODY_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    pub body_timeout: u64,

    /// Size of the response cache in bytes; 0 disables it
    #[arg(long, env = "INSIGHTS_CACHE_BYTES", default_value_t = 16_777_216)]
    pub cache_bytes: u64,

    /// Maximum number of open event streams; more are refused with 503, 0 refuses them all
    #[arg(long, env = "INSIGHTS_MAX_EVENT_STREAMS", default_value_t = 1_000)]
    pub max_event_streams: usize,

    /// Seconds after which an event stream ends; clients reconnect and resume
    #[arg(long, env = "INSIGHTS_EVENT_STREAM_LIFETIME", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=MAX_SECONDS))]
    pub event_stream_lifetime: u64,

    /// Seconds after which an idle connection is closed; 0 closes it after each response
    #[arg(long, env = "INSIGHTS_KEEP_ALIVE", default_value_t = 75, value_parser = clap::value_parser!(u64).range(..=MAX_SECONDS))]
    pub keep_alive: u64,

    /// Seconds that requests in progress may take when the service stops; 0 ends them at once
    #[arg(long, env = "INSIGHTS_SHUTDOWN_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=MAX_SECONDS))]
    pub shutdown_timeout: u64,

    /// Trust X-Forwarded-For: only behind a proxy that sets it
    #[arg(long, env = "INSIGHTS_TRUST_FORWARDED", value_parser = BoolishValueParser::new())]
    pub trust_forwarded: bool,

    #[command(flatten)]
    pub log: LogSettings,
}

/// The default log filter: the service's own events, and warnings of its libraries.
pub const DEFAULT_LOG_FILTER: &str = "warn,insights=info";

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
pub struct LogSettings {
    /// Log filter: levels, for all modules or for one, such as info, debug or warn,insights=debug
    #[arg(long = "log", env = "INSIGHTS_LOG", default_value = DEFAULT_LOG_FILTER)]
    pub filter: String,

    /// Log format: text for people, json for machines
    #[arg(long, env = "INSIGHTS_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
}

/// A setting that cannot be used; its message is one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot create the data folder {path}: {source}")]
    DataFolder { path: PathBuf, source: std::io::Error },
    #[error("there is no database at {path}: check --data-dir and --database-url")]
    NoDatabase { path: PathBuf },
    #[error("the database URL must begin with sqlite:// or postgres://")]
    DatabaseUrl,
}

impl DataSettings {
    /// The database's URL with its path resolved. Creates the data folder and the database file if needed.
    ///
    /// # Errors
    /// When a file cannot be read, a folder cannot be created, or the URL is neither of the two kinds.
    pub fn resolved_url(&self) -> Result<String, ConfigError> {
        let configured = match &self.database_url_file {
            Some(path) => Some(read_secret(path)?),
            None => self.database_url.clone(),
        };
        let url = configured.unwrap_or_else(|| "sqlite://insights.db".to_owned());
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(url);
        }
        let path = url.strip_prefix("sqlite://").ok_or(ConfigError::DatabaseUrl)?;
        let full = self.data_dir.join(path);
        if let Some(folder) = full.parent() {
            let failed = |source| ConfigError::DataFolder { path: folder.to_owned(), source };
            // The database contains signing keys and password hashes: other users of the machine must not read it.
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
            std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(&full).map_err(failed)?;
        }
        Ok(format!("sqlite://{}", full.display()))
    }

    /// The folder of the search index.
    #[must_use]
    pub fn search_dir(&self) -> PathBuf {
        self.data_dir.join("search")
    }

    /// As [`DataSettings::resolved_url`], for commands that must not create a database.
    ///
    /// # Errors
    /// Also when there is no database.
    pub fn existing_url(&self) -> Result<String, ConfigError> {
        let configured = self.database_url.as_deref().unwrap_or("sqlite://insights.db");
        let file = configured.strip_prefix("sqlite://").map(|path| self.data_dir.join(path)).filter(|_| self.database_url_file.is_none());
        match file.filter(|file| !file.exists()) {
            Some(path) => Err(ConfigError::NoDatabase { path }),
            None => self.resolved_url(),
        }
    }
}

impl ServeSettings {
    /// Email address and password of the administrator to create at the first start, if configured.
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

/// The parser of a limit with which nothing could be served if it were 0.
fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

fn parse_base_url(text: &str) -> Result<String, String> {
    text::url(text).map(|url| url.trim_end_matches('/').to_owned()).map_err(|refused| refused.detail)
}
