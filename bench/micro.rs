//! Micro-benchmarks of hot functions without I/O: Markdown rendering, cursors, cache keys. `cargo bench --bench micro`.

use std::hint::black_box;

use actix_web::dev::RequestHead;
use actix_web::http::Uri;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use insights::domain::markdown::render;
use insights::domain::page::{Cursor, KeyValue};
use insights::http::middleware::cache_key::RequestTarget;
use uuid::Uuid;

const PARAGRAPH: &str =
    "The pool was **exhausted** by `SELECT ... FOR UPDATE` in [a job](https://example.org/job) that nobody had looked at for a year.\n\n";

/// A note in Markdown with the elements that such notes have.
fn note(paragraphs: usize) -> String {
    let extras = "## What we saw\n\n- one connection\n- *two* more\n\n```sql\nSELECT 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n";
    (0..paragraphs).map(|index| if index % 5 == 0 { format!("{extras}{PARAGRAPH}") } else { PARAGRAPH.to_owned() }).collect()
}

fn markdown(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("markdown");
    for (name, paragraphs) in [("100 words", 5), ("1 000 words", 50)] {
        let text = note(paragraphs);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| render(black_box(&text))));
    }
    group.finish();
}

fn cursor(criterion: &mut Criterion) {
    let list = "category=debugging&sort=-published_at";
    let cursor = Cursor::new(KeyValue::Number(1_767_225_600_000), Uuid::from_u128(7), false, list);
    let text = cursor.encode();
    criterion.bench_function("cursor encode", |bencher| bencher.iter(|| black_box(&cursor).encode()));
    criterion.bench_function("cursor decode", |bencher| bencher.iter(|| Cursor::decode(black_box(&text), list)));
}

fn cache_key(criterion: &mut Criterion) {
    let mut head = RequestHead::default();
    head.uri = Uri::from_static("/v1/insights?tag=rust&limit=20&category=debugging&sort=-published_at");
    criterion.bench_function("cache key", |bencher| {
        bencher.iter(|| RequestTarget::from_head(black_box(&head)).and_then(RequestTarget::canonicalise));
    });
}

criterion_group!(micro, markdown, cursor, cache_key);
criterion_main!(micro);
