// Functions that run inside the page under test: they are sent there as text, so each stands alone.

/** Looks at every element that came from a fragment and says what must not be there. */
export function inspect() {
  const FORBIDDEN =
    /^(script|iframe|frame|frameset|object|embed|applet|form|button|select|textarea|option|base|meta|link|style|svg|math|template|noscript|video|audio|source|track|canvas|portal|dialog|slot|marquee|plaintext|xmp|title|body|html|head)$/;
  const URLS = ["href", "src", "action", "formaction", "cite", "poster", "data", "background", "longdesc", "usemap", "manifest", "ping", "xlink:href"];
  const NEVER = ["style", "srcdoc", "srcset", "formaction", "ping", "action", "background", "is", "nonce", "contenteditable", "autofocus", "http-equiv"];
  const found = [];
  const blame = (element, what) => found.push(`${what} in ${element.outerHTML.slice(0, 160)}`);

  const checkAttributes = (element) => {
    for (const { name, value } of element.attributes) {
      const lower = name.toLowerCase();
      if (lower.startsWith("on")) blame(element, `attribute ${name}`);
      if (NEVER.includes(lower)) blame(element, `attribute ${name}`);
      if (!URLS.includes(lower)) continue;
      let url;
      try {
        url = new URL(value, location.href);
      } catch {
        continue;
      }
      if (!["http:", "https:", "mailto:", "tel:"].includes(url.protocol)) blame(element, `${name} with ${url.protocol}`);
    }
  };
  const check = (element) => {
    const name = element.localName;
    if (FORBIDDEN.test(name)) blame(element, `element ${name}`);
    if (element.namespaceURI !== "http://www.w3.org/1999/xhtml") blame(element, `foreign element ${name}`);
    if (name.includes("-")) blame(element, `custom element ${name}`);
    if (name === "input" && !(element.type === "checkbox" && element.disabled)) blame(element, "an input that is no disabled checkbox");
    if (name === "img" && element.src && new URL(element.src, location.href).origin !== location.origin) blame(element, "image from elsewhere");
    checkAttributes(element);
  };
  const holders = document.querySelectorAll("#parsed, [id^=inner], [id^=again]");
  for (const holder of holders) {
    if (!["parsed", "inner0", "inner1", "again0", "again1"].includes(holder.id)) blame(holder, "an id of the page was taken");
    for (const element of holder.querySelectorAll("*")) check(element);
  }
  for (const element of document.body.children) {
    if (!["parsed", "end"].includes(element.id) && !/^(inner|again)[01]$/.test(element.id)) blame(element, "escaped from its place");
  }
  if (document.head.children.length !== 3) found.push("something got into the head");
  if (window.__pwned !== undefined) found.push("window.__pwned is set: a script ran");
  if (window.__clobbered !== undefined || document.__clobbered !== undefined) found.push("a global name was clobbered");
  return found;
}

/** Touches everything with synthetic events: a handler that survived anywhere would run. Returns the number of links. */
export function provoke() {
  const events = ["pointerover", "pointerenter", "mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "focus", "focusin", "keydown", "blur", "toggle", "animationstart", "transitionend", "wheel", "error", "load"];
  for (const element of document.querySelectorAll("#parsed *, [id^=inner] *, [id^=again] *")) {
    for (const name of events) element.dispatchEvent(new Event(name, { bubbles: false, cancelable: true }));
    if (typeof element.focus === "function") element.focus();
    if (typeof element.click === "function") element.click();
  }
  return document.querySelectorAll("#parsed a[href], #parsed summary, #parsed [tabindex]").length;
}
