# Pages and fragments in a real browser.

step_browser_docs() {
  need_npm_tools
  need_chromium
  start_server browser-docs
  INSIGHTS_TOOLS="$TOOLS" CHROMIUM="$CHROMIUM" node tests/browser/docs.mjs --base "$BASE" --out "$OUT"
  check_server
}

step_browser_xss() {
  need_npm_tools
  need_chromium
  start_server browser-xss
  create_admin_token
  INSIGHTS_TOOLS="$TOOLS" CHROMIUM="$CHROMIUM" INSIGHTS_TOKEN="$TOKEN" \
    node tests/browser/xss.mjs --base "$BASE" --out "$OUT"
  check_server
}
