// Starts the API reference on /docs. A file of its own, so that the page needs no inline script.
// It runs before scalar.js (both are deferred, in this order) and acts once both have run.

// Scalar's validator (zod) probes for eval() unless it is told not to; the page's policy forbids eval.
globalThis.__zod_globalConfig = { jitless: true };

document.addEventListener('DOMContentLoaded', () => {
  const app = document.getElementById('app');
  if (!globalThis.Scalar) {
    app.innerHTML =
      '<p>The reference could not be loaded. The description is at <a href="/openapi.json">/openapi.json</a>.</p>';
    return;
  }

  globalThis.Scalar.createApiReference(app, {
    url: '/openapi.json',
    title: 'Insights API',

    // Nothing on this page leaves this server.
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    hideClientButton: true,
    persistAuth: false,

    layout: 'modern',
    theme: 'default',
    defaultOpenAllTags: true,
    documentDownloadType: 'both',
    modelsSectionLabel: 'Schemas',
    orderSchemaPropertiesBy: 'preserve',
    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },

    customCss: `
      :root {
        --scalar-font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
        --scalar-font-code: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
      }
      /* focused by script only (tabindex -1), when a link to an operation is followed */
      section[tabindex="-1"]:focus-visible { outline: none; }
      /* on a phone it lies over the address in the request window */
      @media (max-width: 767px) { main > .scalar-sidebar-toggle { display: none; } }
      /* no links out of the page to its maker */
      a[href^="https://www.scalar.com"] { display: none !important; }
    `,
  });
});
