//! Search: matching, freshness, relevance, visibility and crash safety.

mod crash;
mod current;
mod query;
mod related;
mod relevance;
mod visibility;

#[path = "../../../bench/corpus.rs"]
pub(crate) mod corpus;
#[path = "../../../bench/generate.rs"]
pub(crate) mod generate;

use serde_json::Value;

use crate::support::{Answer, Client};

/// A search that must succeed.
async fn search(client: &Client, query: &str) -> Answer {
    client.get(&format!("/v1/search?{query}")).await.expect(200)
}

fn titles(answer: &Answer) -> Vec<String> {
    answer.each("insight").iter().map(|insight| insight["title"].as_str().unwrap().to_owned()).collect()
}

fn facet(answer: &Answer, name: &str) -> Vec<(String, u64)> {
    let value = |entry: &Value| (entry["value"].as_str().unwrap().to_owned(), entry["count"].as_u64().unwrap());
    answer.json()["facets"][name].as_array().unwrap().iter().map(value).collect()
}
