// The test's own little site: one page per payload, without any protecting header, and a canary
// that nothing may ever fetch.
import { createServer } from "node:http";

// The script stands before the fragments, so that no fragment can swallow it. The HTML goes in three ways:
// parsed with the page, set with innerHTML, and read back and set again (what mutation XSS lives on).
// A click on an ordinary link stays on the page; every other scheme does what it does.
const page = (fragments) => `<!doctype html><html><head><meta charset="utf-8"><title>payload</title><script>
const fragments = ${JSON.stringify(fragments).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028")};
window.pwned = () => { window.__pwned = true; };
addEventListener("click", (event) => {
  const link = event.target.closest("a[href], area[href]");
  if (link && /^(https?|mailto|tel):$/.test(link.protocol)) event.preventDefault();
}, true);
const place = (id, html) => {
  const holder = document.createElement("div");
  holder.id = id;
  document.body.append(holder);
  holder.innerHTML = html;
  return holder;
};
window.__settled = new Promise((resolve) => addEventListener("DOMContentLoaded", () => {
  setTimeout(resolve, 20);
  fragments.forEach((html, index) => {
    const once = place("inner" + index, html);
    place("again" + index, once.innerHTML);
  });
  if (!document.getElementById("end")) console.error("the fragment swallowed what follows it");
}));
</script></head><body><div id="parsed">${fragments[0]}</div><p id="end">end</p></body></html>`;

export async function servePages() {
  const pages = new Map();
  let hits = [];
  const server = createServer((request, response) => {
    const html = pages.get(request.url);
    if (html === undefined && request.url !== "/favicon.ico") hits.push(request.url);
    response.writeHead(html === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
    response.end(html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    canary: `${origin}/canary`,
    /** The address of a page that shows these fragments. */
    add(number, fragments) {
      pages.set(`/pages/${number}`, page(fragments));
      return `${origin}/pages/${number}`;
    },
    /** What was fetched since the last call. */
    canaryHits() {
      const seen = hits;
      hits = [];
      return seen;
    },
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
