// A client written against nothing but the types that openapi-typescript makes of the served document:
// it lists insights, reads one, creates one, publishes it and finds it in the list.
// scripts/test compiles it with `tsc --strict` and runs it against a fresh server.
import type { components, paths } from "./openapi.js";

declare const process: { env: Record<string, string | undefined> };

const base = process.env["INSIGHTS_URL"] ?? "http://127.0.0.1:8080";
const token = process.env["INSIGHTS_TOKEN"] ?? "";

type Collection = paths["/v1/insights"];
type Item = paths["/v1/insights/{id_or_slug}"];
type Publish = paths["/v1/insights/{id_or_slug}/publish"];

/** The JSON body of an operation's answer with this status. */
type Answer<Operation, Status extends number> = Operation extends {
  responses: Record<Status, { content: { "application/json": infer Body } }>;
}
  ? Body
  : never;

type Query<Operation> = Operation extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;

type Page = Answer<Collection["get"], 200>;
type Summary = Page["data"][number];
type Insight = Answer<Item["get"], 200>;
type Created = Answer<Collection["post"], 201>;
type Published = Answer<Publish["post"], 200>;
type NewInsight = Collection["post"]["requestBody"]["content"]["application/json"];
type Problem = components["schemas"]["Problem"];

interface Reply<Body> {
  body: Body;
  etag: string;
}

async function request<Body>(method: string, path: string, headers: HeadersInit = {}, body?: unknown): Promise<Reply<Body>> {
  const response = await fetch(base + path, {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const problem = (await response.json()) as Problem;
    throw new Error(`${method} ${path}: ${response.status} ${problem.code}: ${problem.detail ?? problem.title}`);
  }
  return { body: (await response.json()) as Body, etag: response.headers.get("etag") ?? "" };
}

function queryString(query: Query<Collection["get"]>): string {
  return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
}

async function listInsights(query: Query<Collection["get"]>): Promise<Page> {
  return (await request<Page>("GET", `/v1/insights?${queryString(query)}`)).body;
}

async function getInsight(slug: Insight["slug"]): Promise<Insight> {
  return (await request<Insight>("GET", `/v1/insights/${encodeURIComponent(slug)}`)).body;
}

function card(insight: Summary): string {
  const date = insight.published_at?.slice(0, 10) ?? "draft";
  return `${insight.category.name}, ${date}, ${insight.reading_minutes} min: ${insight.title}`;
}

function expect(what: string, holds: boolean): void {
  if (!holds) throw new Error(`expected ${what}`);
  console.log(`   ok: ${what}`);
}

const authorization = { authorization: `Bearer ${token}` };

const first = await listInsights({ limit: 2, sort: "-published_at" });
expect("two cards on the first page", first.data.length === 2);
for (const insight of first.data) console.log(`   ${card(insight)}`);

const summary = first.data[0];
if (summary === undefined) throw new Error("expected an insight");
const detail = await getInsight(summary.slug);
expect("the detail to be the card's", detail.id === summary.id && detail.title === summary.title);
expect("a body as HTML and as Markdown", (detail.body?.html ?? "") !== "" && (detail.body?.markdown ?? "") !== "");

const draft: NewInsight = {
  title: "Typed from the document",
  body_markdown: "## Why\n\nThe *types* are generated.\n",
  category: "debugging",
};
const created = await request<Created>("POST", "/v1/insights", authorization, draft);
expect("a draft with an ETag", created.body.status === "draft" && created.etag !== "");

const published = await request<Published>("POST", `/v1/insights/${created.body.id}/publish`, {
  ...authorization,
  "if-match": created.etag,
});
expect("the draft to be published", published.body.status === "published");

const read = await getInsight(published.body.slug);
expect("everybody to read it", read.id === created.body.id && read.body?.html.includes("<em>types</em>") === true);
const newest = await listInsights({ limit: 1 });
expect("the list to begin with it", newest.data[0]?.id === created.body.id);
