// What the browser tests share: their arguments, playwright-core and a Chromium that stays at home.
import { createRequire } from "node:module";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `--base URL --out DIR`; the token comes from the environment, so that it is in no process list. */
export function readArguments() {
  const { values } = parseArgs({
    options: {
      base: { type: "string", default: "http://127.0.0.1:8080" },
      out: { type: "string", default: "." },
      only: { type: "string" },
    },
  });
  mkdirSync(values.out, { recursive: true });
  return { ...values, base: values.base.replace(/\/$/, ""), token: process.env.INSIGHTS_TOKEN ?? "" };
}

/** playwright-core is not beside this file: scripts/test keeps it in its cache folder. */
function loadPlaywright() {
  const cache = process.env.INSIGHTS_TEST_CACHE ?? join(homedir(), ".cache", "insights-test");
  const cached = existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith("npm-")) : [];
  const folders = [
    process.env.INSIGHTS_TOOLS,
    join(import.meta.dirname, "..", "tools"),
    ...cached.map((name) => join(cache, name)),
  ].filter((folder) => folder && existsSync(join(folder, "node_modules", "playwright-core")));
  if (folders.length === 0) {
    throw new Error("playwright-core is missing: npm ci --prefix tests/tools, or ./scripts/test --only browser-docs");
  }
  return createRequire(join(folders[0], "package.json"))("playwright-core");
}

/** Runs `test(browser)` and ends the browser with it, whatever happens. */
export async function withBrowser(test) {
  const { chromium } = loadPlaywright();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    headless: true,
  });
  try {
    return await test(browser);
  } finally {
    await browser.close();
  }
}

/** Prints the failures and sets the exit code. */
export function report(name, passed, failures) {
  for (const failure of failures) console.log(`   FAILED ${failure}`);
  console.log(`   ${name}: ${passed} held, ${failures.length} did not`);
  if (failures.length > 0) process.exitCode = 1;
}
