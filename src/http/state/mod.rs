//! What every handler can reach: the state of one service, and the counters and limits in it.

pub(crate) mod app_state;
pub(crate) mod counters;
pub(crate) mod documents;
pub(crate) mod event_streams;
pub(crate) mod in_flight_keys;
pub(crate) mod route_table;
