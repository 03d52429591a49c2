"use strict";
// Renews the page in place: what did not change is not touched, so that scroll, selection and focus stay.
{
  // Milliseconds.
  const SHORTEST_PAUSE = 5_000;
  const LONGEST_ANSWER = 10_000;
  // Of a thousand projects a renewal takes long: it may take up this share of the time at most.
  const SHARE = 1 / 20;

  // Without credentials, which a page may be opened with and fetch refuses in an address.
  const address = location.origin + location.pathname;
  const notice = document.getElementById("notice");
  let timer;
  let renewing = false;

  class WrongAnswer extends Error {}

  async function renew() {
    if (renewing) return;
    clearTimeout(timer);
    renewing = true;
    let pause = SHORTEST_PAUSE;
    const begun = performance.now();
    // The style turns it grey with a delay: a prompt answer takes the mark away before it is seen.
    document.body.classList.add("old");
    try {
      adopt(await freshPage());
      document.body.classList.remove("old");
      notice.hidden = true;
      pause = Math.max(pause, (performance.now() - begun) / SHARE);
    } catch (error) {
      const since = document.querySelector("#summary time").textContent;
      const reason = error instanceof WrongAnswer ? error.message : "the exporter does not answer";
      tell(`Not updated since ${since}: ${reason}.`);
    }
    renewing = false;
    rest(pause);
  }

  async function freshPage() {
    const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(LONGEST_ANSWER) });
    if (!answer.ok) throw new WrongAnswer(`the exporter answers with status ${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function adopt(page) {
    const parts = ["summary", "projects"].map((id) => [document.getElementById(id), page.getElementById(id)]);
    if (parts.some(([, fresh]) => fresh === null)) {
      throw new WrongAnswer("something else answers in the exporter's place");
    }
    for (const [shown, fresh] of parts) replace(shown, fresh);
  }

  function replace(shown, fresh) {
    if (shown.isEqualNode(fresh)) return;
    const inner = [...shown.childNodes];
    const freshInner = [...fresh.childNodes];
    const isSameInside = inner.length > 0 && inner.length === freshInner.length;
    if (isSameInside && shown.cloneNode(false).isEqualNode(fresh.cloneNode(false))) {
      inner.forEach((each, index) => replace(each, freshInner[index]));
    } else {
      shown.replaceWith(document.importNode(fresh, true));
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

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : renew()));
  document.body.classList.add("old");
  notice.hidden = true;
  addEventListener("load", () => {
    document.body.classList.remove("old");
    rest(SHORTEST_PAUSE);
  });
}
