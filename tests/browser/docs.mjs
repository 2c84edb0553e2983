// GET /docs in a browser without an internet: the page must need nothing but this server,
// break no rule of its own Content-Security-Policy and show every operation of the document.
//   node tests/browser/docs.mjs --base http://127.0.0.1:8080 --out /tmp
import { join } from "node:path";
import { readArguments, report, withBrowser } from "./browser.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Every operation of the document must be on the page. */
function expectedOperations(openapi) {
  return Object.entries(openapi.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, summary: item[method].summary ?? "" })),
  );
}

/** Records everything that a page of ours must not do. */
async function watch(context, origin, failures) {
  await context.route("**/*", async (route) => {
    const url = new URL(route.request().url());
    if (url.origin === origin || url.protocol === "data:" || url.protocol === "blob:") return route.continue();
    failures.push(`request to another host: ${url.href}`);
    return route.abort();
  });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP violation: ${event.violatedDirective} blocked ${event.blockedURI}`);
    });
  });
  context.on("page", (page) => {
    page.on("pageerror", (error) => failures.push(`script error: ${error.message}`));
    page.on("websocket", (socket) => failures.push(`web socket: ${socket.url()}`));
    page.on("console", (message) => {
      if (message.type() === "error") failures.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400 && !response.url().endsWith("/favicon.ico")) {
        failures.push(`${response.status()} for ${response.url()}`);
      }
    });
  });
}

/** All text of the page, of open shadow roots too, with single spaces. */
function pageText() {
  const collect = (root) => {
    let text = "";
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) text += ` ${node.data}`;
      if (node.nodeType !== Node.ELEMENT_NODE || /^(SCRIPT|STYLE|TEMPLATE|NOSCRIPT)$/.test(node.tagName)) continue;
      if (node.shadowRoot) text += collect(node.shadowRoot);
      text += collect(node);
    }
    return text;
  };
  return collect(document.body).replace(/[\s\u200b\u00ad]+/g, " ");
}

/** Opens one more thing that is closed: sections, tags, <details>; true if there was one. */
function openNext() {
  for (const element of document.querySelectorAll("details:not([open]), [aria-expanded=false]")) {
    if (element.dataset.opened || element.closest("[hidden], [role=dialog]")) continue;
    element.dataset.opened = "yes";
    if (element.tagName === "DETAILS") element.open = true;
    else element.click();
    return true;
  }
  return false;
}

async function findMissing(page, operations) {
  let missing = operations;
  const deadline = Date.now() + 60_000;
  for (;;) {
    const text = await page.evaluate(pageText);
    missing = missing.filter((operation) => !text.includes((operation.summary || operation.path).replace(/\s+/g, " ")));
    if (missing.length === 0 || Date.now() > deadline) return missing;
    if (!(await page.evaluate(openNext))) await page.mouse.wheel(0, 1500);
    await page.waitForTimeout(50);
  }
}

/** Waits until a text can be seen: a picture of a page that is still loading shows nothing. */
async function drawn(page, text) {
  await page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: 20_000 });
}

const { base, out } = readArguments();
const origin = new URL(base).origin;
const failures = [];
const openapi = await (await fetch(`${base}/openapi.json`)).json();
const operations = expectedOperations(openapi);

await withBrowser(async (browser) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await watch(context, origin, failures);
  const page = await context.newPage();
  await page.goto(`${base}/docs`, { waitUntil: "networkidle" });
  await drawn(page, operations[0].summary);
  await page.screenshot({ path: join(out, "docs.png") });
  const missing = await findMissing(page, operations);
  for (const { method, path, summary } of missing) failures.push(`not on the page: ${method} ${path} "${summary}"`);
  const title = await page.title();
  if (!title) failures.push("the page has no title");

  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${base}/docs`, { waitUntil: "networkidle" });
  await drawn(page, openapi.info.title);
  await page.screenshot({ path: join(out, "docs-mobile.png") });
  const width = await page.evaluate(() => document.scrollingElement.scrollWidth);
  if (width > 391) console.log(`   note: the page is ${width} pixels wide on a phone of 390`);
});
report(`docs, ${operations.length} operations`, operations.length, [...new Set(failures)]);
