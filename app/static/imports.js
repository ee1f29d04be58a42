// How far an import has come; the page is shown anew when it is finished.
"use strict";

(() => {
  const place = document.querySelector("[data-progress]");
  if (!place) return;

  async function look() {
    try {
      const response = await fetch(place.dataset.progress, { headers: { Accept: "application/json", "X-Background": "1" } });
      if (!response.ok) return;
      const answer = await response.json();
      if (answer.isFinished) { window.location.reload(); return; }
      place.querySelector("progress").value = answer.reached;
      place.querySelector("[data-reached]").textContent = answer.reached.toLocaleString("en");
    } catch { /* offline for a moment: the next look tells */ }
  }
  setInterval(look, 1000);
})();
