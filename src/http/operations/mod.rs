//! For operators and first visitors: health, metrics, the landing page.

pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod metrics;
