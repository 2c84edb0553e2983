//! What operators ask for: health and metrics.

pub(crate) mod health;
pub(crate) mod metrics;
