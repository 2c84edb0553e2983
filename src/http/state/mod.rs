//! The state of one service, and the counters, limits and locks in it. Everything that handlers share is here.

pub(crate) mod app_state;
pub(crate) mod counters;
pub(crate) mod documents;
pub(crate) mod event_streams;
pub(crate) mod in_flight;
pub(crate) mod in_flight_keys;
pub(crate) mod route_table;
mod transition_recorder;
