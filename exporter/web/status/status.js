"use strict";
// Renews the page in place. Elements are matched by id, so that focus, open details and the place on the page stay.
{
  // Milliseconds.
  const SHORTEST_PAUSE = 5_000;
  const LONGEST_ANSWER = 10_000;
  // A page of a thousand projects takes long to renew: this is the largest share of the time to spend on it.
  const SHARE = 1 / 20;
  const PARTS = ["verdict", "overview", "projects"];

  const part = (id) => document.getElementById(id);
  const notice = part("notice");
  let timer;
  let renewing = false;

  class WrongAnswer extends Error {}

  // Without credentials, which a page may be opened with and fetch refuses in an address.
  const address = () => location.origin + location.pathname + location.search;

  async function renew() {
    if (renewing) return;
    clearTimeout(timer);
    renewing = true;
    let pause = SHORTEST_PAUSE;
    const begun = performance.now();
    // The style turns the page grey with a delay: a prompt answer is not noticed.
    document.body.classList.add("old");
    try {
      const asked = address();
      const page = await freshPage(asked);
      if (asked === address()) adopt(page);
      document.body.classList.remove("old");
      notice.hidden = true;
      pause = asked === address() ? Math.max(pause, (performance.now() - begun) / SHARE) : 0;
    } catch (error) {
      const reason = error instanceof WrongAnswer ? error.message : "the exporter does not answer";
      tell(`Not updated since ${part("now").textContent}: ${reason}.`);
    }
    renewing = false;
    rest(pause);
  }

  async function freshPage(from) {
    const answer = await fetch(from, { cache: "no-store", signal: AbortSignal.timeout(LONGEST_ANSWER) });
    if (!answer.ok) throw new WrongAnswer(`the exporter answers with status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (PARTS.some((id) => !page.getElementById(id))) {
      throw new WrongAnswer("something else answers in the exporter's place");
    }
    return page;
  }

  function adopt(page) {
    const top = part("projects").getBoundingClientRect().top;
    const focused = document.activeElement;
    for (const id of PARTS) blend(part(id), page.getElementById(id));
    document.title = page.title;
    part("icon").href = page.getElementById("icon").getAttribute("href");
    // What grows above the projects must not push them away from under the reader.
    if (top < 0) scrollBy(0, part("projects").getBoundingClientRect().top - top);
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  function blend(shown, fresh) {
    if (shown.isEqualNode(fresh)) return;
    if (shown.nodeType !== fresh.nodeType || shown.nodeName !== fresh.nodeName || shown.id !== fresh.id) {
      shown.replaceWith(document.importNode(fresh, true));
      return;
    }
    if (shown.nodeType !== Node.ELEMENT_NODE) {
      shown.data = fresh.data;
      return;
    }
    blendAttributes(shown, fresh);
    const withId = new Map([...shown.children].filter((each) => each.id).map((each) => [each.id, each]));
    let next = shown.firstChild;
    for (const each of [...fresh.childNodes]) {
      const known = each.id ? withId.get(each.id) : next?.id ? undefined : next;
      if (!known) {
        shown.insertBefore(document.importNode(each, true), next);
      } else {
        if (known === next) next = next.nextSibling;
        else shown.insertBefore(known, next);
        blend(known, each);
      }
    }
    while (next) {
      const after = next.nextSibling;
      next.remove();
      next = after;
    }
  }

  function blendAttributes(shown, fresh) {
    for (const { name } of [...shown.attributes]) {
      // What the reader opened stays open.
      if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
    }
  }

  function tell(text) {
    notice.hidden = false;
    if (notice.textContent !== text) notice.textContent = text;
  }

  function rest(pause) {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(renew, pause);
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#projects thead a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    renew();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
  document.body.classList.add("old");
  notice.hidden = true;
  addEventListener("load", () => {
    document.body.classList.remove("old");
    rest(SHORTEST_PAUSE);
  });
}
