"use strict";
// Renews the page in place. Elements are matched by id, so that focus, open details and the place on the page stay.
{
  const PAUSE = 5_000; // milliseconds, and twenty times what a renewal took: a page of a thousand projects is slow
  const PARTS = ["verdict", "overview", "projects"];
  const part = (id) => document.getElementById(id);
  const notice = part("notice");
  let timer, latest;

  async function renew() {
    const begun = performance.now();
    const renewal = (latest = {}); // the newest one counts: a click sorts while another is under way
    clearTimeout(timer);
    document.body.classList.add("old"); // turns the page grey after a second: a prompt answer is not noticed
    let problem = "";
    try {
      const page = await load();
      if (renewal === latest) adopt(page);
    } catch (error) {
      problem = error.name === "Error" ? error.message : "the exporter does not answer";
    }
    if (renewal !== latest) return;
    document.body.classList.toggle("old", problem);
    notice.hidden = !problem;
    const text = `Not updated since ${part("now").textContent}: ${problem}.`;
    if (problem && notice.textContent !== text) notice.textContent = text; // said once, not at each attempt
    wait(PAUSE + 20 * (performance.now() - begun));
  }

  async function load() {
    // Without credentials, which a page may be opened with and fetch refuses in an address.
    const address = location.origin + location.pathname + location.search;
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`the exporter answers with status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (PARTS.every((id) => page.getElementById(id))) return page;
    throw new Error("something else answers in the exporter's place");
  }

  function adopt(page) {
    const top = part("projects").getBoundingClientRect().top;
    const focused = document.activeElement;
    for (const id of PARTS) blend(part(id), page.getElementById(id));
    document.title = page.title;
    // What grows above the projects must not push them away from under the reader.
    if (top < 0) scrollBy(0, part("projects").getBoundingClientRect().top - top);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  function blend(shown, fresh) {
    if (shown.isEqualNode(fresh)) return;
    if (shown.nodeName !== fresh.nodeName || shown.id !== fresh.id) return shown.replaceWith(fresh);
    if (shown.nodeType !== Node.ELEMENT_NODE) return (shown.data = fresh.data);
    fresh.toggleAttribute("open", shown.hasAttribute("open")); // what the reader opened stays open
    for (const { name } of [...shown.attributes]) if (!fresh.hasAttribute(name)) shown.removeAttribute(name);
    for (const { name, value } of fresh.attributes) shown.setAttribute(name, value);
    const byId = new Map([...shown.children].filter((each) => each.id).map((each) => [each.id, each]));
    let next = shown.firstChild;
    for (const each of [...fresh.childNodes]) {
      const match = each.id ? byId.get(each.id) : next?.id ? undefined : next;
      if (match && match === next) next = next.nextSibling;
      else shown.insertBefore(match ?? each, next);
      if (match) blend(match, each);
    }
    while (next) [next] = [next.nextSibling, next.remove()];
  }

  function wait(pause) {
    if (!document.hidden) timer = setTimeout(renew, pause);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#projects thead a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    history.replaceState(null, "", link.href);
    renew();
  });
  notice.hidden = true;
  addEventListener("load", () => wait(PAUSE));
}
