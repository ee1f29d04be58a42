// The page of a bulk change: how far it is, renewed until it is through, and once more when its emails have left.
"use strict";

(() => {
  const place = document.querySelector("[data-progress]");
  const SLOWEST = 2 ** 31 - 1;
  let failures = 0;

  function plan(seconds) {
    if (seconds) setTimeout(look, Math.min(seconds * 1000, SLOWEST));
  }

  async function look() {
    try {
      const response = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(response.status);
      const answer = await response.json();
      failures = 0;
      // What came of each row is on a page made anew.
      if (answer.state !== place.dataset.state) { location.reload(); return; }
      put(answer.markup);
      plan(answer.again);
    } catch {
      failures += 1;
      plan(Math.min(2 ** failures, 60));
    }
  }

  // Whoever has the button in focus keeps it.
  function put(markup) {
    const hadFocus = place.contains(document.activeElement);
    place.innerHTML = markup;
    if (hadFocus) place.querySelector("button")?.focus();
  }

  plan(Number(place?.dataset.again));
})();
