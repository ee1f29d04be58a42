// The panel beside the requests list: shows the row one stands on, and follows the keys.
"use strict";

(() => {
  const panel = document.getElementById("panel");
  const table = document.querySelector("table.requests");
  if (!panel || !table) return;
  const body = panel.querySelector("[data-panel-body]");
  const open = panel.querySelector("[data-panel-open]");
  let asked = "";

  async function show(row) {
    const link = row.querySelector("th a");
    asked = row.dataset.row;
    open.href = link.href;
    panel.hidden = false;
    document.body.classList.add("beside");
    body.setAttribute("aria-busy", "true");
    const markup = await fetchPreview(row);
    // Whoever walks on fast wants the last one only.
    if (asked !== row.dataset.row) return;
    body.removeAttribute("aria-busy");
    body.innerHTML = markup;
    body.scrollTop = 0;
  }

  async function fetchPreview(row) {
    try {
      const response = await fetch(`${table.dataset.url}/${row.dataset.row}/preview`);
      if (response.ok && !response.redirected) return await response.text();
      return "<p>This preview cannot be shown. Reload the page and try again.</p>";
    } catch {
      return "<p>You seem to be offline. The preview comes back with the connection.</p>";
    }
  }

  function close() {
    asked = "";
    panel.hidden = true;
    document.body.classList.remove("beside");
    table.querySelector(".here th a")?.focus({ preventScroll: true });
  }

  panel.querySelector("[data-panel-close]").addEventListener("click", close);
  document.addEventListener("row:here", (event) => { if (!panel.hidden) show(event.detail); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("[popover], dialog")) return;
    if (event.key === "Escape" && !panel.hidden) close();
    if (event.key !== "v" || !isShortcut(event)) return;
    const row = table.querySelector(".here");
    if (!panel.hidden) close();
    else if (row) show(row);
  });
  table.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && !event.target.closest("a, input, button, label")) show(row);
  });
})();
