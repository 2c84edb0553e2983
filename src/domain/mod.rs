//! Values that are valid by construction, and their rules. No database, no HTTP; the time is an argument.

pub mod authority;
pub mod change;
pub mod clock;
pub mod diff;
pub mod draft;
pub mod etag;
pub mod field_errors;
pub mod fields;
pub mod fnv;
pub mod import_line;
pub mod import_state;
pub mod lint;
pub mod locale;
pub mod markdown;
pub mod merge;
pub mod page;
pub mod publication_times;
pub mod secret;
pub mod site;
pub mod slug;
pub mod status;
pub mod term;
pub mod text;
mod text_enum;
pub mod user;
