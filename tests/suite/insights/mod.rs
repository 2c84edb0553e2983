mod concurrency;
mod lifecycle;
mod list;
mod paging;
mod plans;
mod read;
mod summaries;
mod write;
