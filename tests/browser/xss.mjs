// Every payload of xss_payloads.json goes through the API and its HTML into a page without any
// Content-Security-Policy: only the sanitiser stands between the text and the browser.
//   INSIGHTS_TOKEN=ins_… node tests/browser/xss.mjs --base http://127.0.0.1:8080 --out /tmp [--only NAME]
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readArguments, report, withBrowser } from "./browser.mjs";
import { inspect, provoke } from "./xss_page.mjs";
import { servePages } from "./xss_server.mjs";

const WORKERS = 4;
const PATIENCE = 20_000; // milliseconds for one payload
const ALSO_AS_HTML = 8; // every eighth payload is published and read as .html too

const { base, out, only, token } = readArguments();
const payloads = JSON.parse(await readFile(new URL("./xss_payloads.json", import.meta.url), "utf8")).filter(
  (payload) => only === undefined || payload.name.includes(only),
);

async function call(method, path, headers, body) {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}), ...headers },
      body: body && JSON.stringify(body),
    });
    if (response.status !== 429 || tries === 20) return response;
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("retry-after") ?? 1)));
  }
}

/** The fragments that the API makes of one payload; none if it refuses the text, which it may where the payload says so. */
async function render(payload, number, canary) {
  const body_markdown = payload.body.replaceAll("{{canary}}", canary);
  const created = await call("POST", "/v1/insights", {}, { title: `Payload ${number}`, body_markdown, category: "debugging" });
  if (created.status === 422 && payload.may_refuse) return [];
  if (created.status !== 201) throw new Error(`POST answered ${created.status}: ${await created.text()}`);
  const insight = await created.json();
  if (typeof insight.body?.html !== "string") throw new Error("the answer has no body.html");
  const fragments = [insight.body.html];
  if (number % ALSO_AS_HTML === 0) {
    const etag = created.headers.get("etag");
    const published = await call("POST", `/v1/insights/${insight.id}/publish`, { "if-match": etag });
    if (published.status !== 200) throw new Error(`publish answered ${published.status}: ${await published.text()}`);
    const html = await call("GET", `/v1/insights/${insight.slug}.html`, {});
    if (html.status !== 200) throw new Error(`.html answered ${html.status}: ${await html.text()}`);
    fragments.push(await html.text());
  }
  return fragments;
}

/** Everything a page does while it is loaded, hovered and clicked; `page.state` is the case in hand. */
async function watch(context, page, state) {
  const blame = (what) => state.failures.push(what);
  await context.route("**/*", (route) => {
    const url = route.request().url();
    if (url === state.page) return route.continue();
    blame(`request for ${url.slice(0, 200)}`);
    return route.abort();
  });
  context.on("page", (popup) => {
    if (popup !== page) popup.close().catch(() => {});
  });
  page.on("dialog", (dialog) => {
    blame(`${dialog.type()}(${dialog.message()})`);
    return dialog.dismiss().catch(() => {});
  });
  page.on("pageerror", (error) => blame(`script error: ${error.message}`));
  page.on("websocket", (socket) => blame(`web socket ${socket.url()}`));
  page.on("download", () => blame("download"));
  page.on("console", (message) => {
    if (message.type() === "error") blame(`console: ${message.text()}`);
  });
}

/** Real mouse and keyboard on the first links, beside the synthetic events of `provoke`. */
async function useLinks(page) {
  const links = page.locator("#parsed a[href], #parsed summary, #parsed [tabindex]");
  const count = Math.min(await links.count(), 3);
  for (let index = 0; index < count; index += 1) {
    const link = links.nth(index);
    await link.hover({ force: true, timeout: 500 }).catch(() => {});
    await link.click({ force: true, timeout: 500, noWaitAfter: true }).catch(() => {});
  }
}

async function tryPayload(page, state, pages, payload, number) {
  const fragments = await render(payload, number, pages.canary);
  if (fragments.length === 0) return { refused: true };
  state.page = pages.add(number, fragments);
  await page.goto(state.page, { waitUntil: "load" });
  await page.evaluate(() => window.__settled);
  state.failures.push(...(await page.evaluate(inspect)));
  if ((await page.evaluate(provoke)) > 0) await useLinks(page);
  state.failures.push(...(await page.evaluate(inspect)));
  const hits = pages.canaryHits();
  if (hits.length > 0) state.failures.push(`canary reached: ${hits.join(", ")}`);
  return { refused: false, fragments };
}

/** A page of its own, watched; a payload that hangs its page costs that page, not the run. */
async function openPage(browser) {
  const context = await browser.newContext({ acceptDownloads: false });
  const page = await context.newPage();
  const state = { failures: [], page: "" };
  await watch(context, page, state);
  return { context, page, state };
}

function within(milliseconds, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${milliseconds / 1000} s`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function work(browser, pages, queue, results) {
  let open = await openPage(browser);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { payload, number } = next;
    const { page, state } = open;
    let result = {};
    state.failures = [];
    try {
      result = await within(PATIENCE, tryPayload(page, state, pages, payload, number));
    } catch (error) {
      state.failures.push(error.message.split("\n")[0]);
      open.context.close().catch(() => {});
      open = await openPage(browser);
    }
    results.push({ name: payload.name, body: payload.body, ...result, failures: [...new Set(state.failures)] });
  }
}

const started = Date.now();
const pages = await servePages();
const results = [];
const queue = payloads.map((payload, number) => ({ payload, number }));
try {
  await withBrowser((browser) => Promise.all(Array.from({ length: WORKERS }, () => work(browser, pages, queue, results))));
} finally {
  await pages.close();
}
await writeFile(join(out, "xss.json"), JSON.stringify(results, null, 2));

const failures = results.flatMap((result) => result.failures.map((failure) => `${result.name}: ${failure}`));
const refused = results.filter((result) => result.refused).map((result) => result.name);
if (refused.length > 0) console.log(`   refused by the API, as they may be: ${refused.join(", ")}`);
if (results.length !== payloads.length || payloads.length === 0) failures.push(`${results.length} of ${payloads.length} payloads tried`);
console.log(`   ${payloads.length} payloads in ${((Date.now() - started) / 1000).toFixed(1)} s`);
report("xss", results.filter((result) => result.failures.length === 0).length, failures);
