// The requests list: status and provider changed in their cells, keys, and news of what came in.
"use strict";

(() => {
  const table = document.querySelector("table.requests");
  const announcer = document.querySelector("[data-announce]");

  // --- calls

  async function call(address, body) {
    const response = await fetch(address, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (response.status === 401) throw new Error("You were signed out. Reload the page to sign in again.");
    const error = answer.error ?? { message: "This did not work. Reload the page and try again." };
    // Of what changed in the meantime the row shows more than a reload would.
    const advice = error.code === "stale" ? "The row shows it now: decide again." : error.suggestedAction;
    throw new Error([error.message, advice].filter(Boolean).join(" "));
  }

  const address = (row) => `${table.dataset.url}/${row.dataset.row}`;

  // --- the menu in the cells

  const menu = document.getElementById("menu");
  const part = (name) => menu.querySelector(`[data-${name}]`);
  let editing = null;

  function openMenu(row, kind) {
    const cell = row.querySelector(`[data-edit=${kind}]`);
    if (!cell || !menu) return;
    editing = { row, kind };
    part("message").textContent = "";
    part("note").hidden = true;
    part("choices").hidden = false;
    part("choices").replaceChildren();
    menu.querySelector(".menu-title").textContent = `${row.querySelector("th").innerText}: ${kind === "status" ? "set status" : "provider"}`;
    menu.showPopover();
    placeUnder(cell);
    (kind === "status" ? showMoves : showProviders)(row);
  }

  function placeUnder(cell) {
    const box = cell.getBoundingClientRect();
    const below = window.innerHeight - box.bottom;
    menu.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = below > 260 ? `${box.bottom + 4}px` : "auto";
    menu.style.bottom = below > 260 ? "auto" : `${window.innerHeight - box.top + 4}px`;
  }

  function showMoves(row) {
    const moves = JSON.parse(table.dataset.moves)[row.dataset.status];
    if (!moves.length) part("message").textContent ||= "This request cannot change any more.";
    const reopens = row.dataset.status === "completed";
    offer(moves.map((move) => ({
      label: move.ends ? `${move.label}…` : move.label,
      ends: move.ends,
      choose: () => (move.ends ? askNote(move, "Why? The request ends for good, and the customer reads this.", "Cancel the request", false)
        : reopens ? askNote(move, "Why is it opened again? The customer reads this.", "Open again", true)
          : save("status", { status: move.value })),
    })));
  }

  async function showProviders(row) {
    const now = row.querySelector("[data-edit=provider]").innerText;
    try {
      const { providers } = await call(`${table.dataset.url}/providers`);
      if (editing?.row !== row) return;
      const choices = providers.filter((each) => each.label !== now).map((each) => ({
        label: each.label,
        hint: each.availability === "Away" ? `${each.load}, away` : each.isFull ? `${each.load}, full` : each.load,
        choose: () => save("provider", { provider: each.value }),
      }));
      if (now !== "Assign") choices.push({ label: "Nobody: take it back", ends: true, choose: () => save("provider", { provider: "none" }) });
      if (!choices.length) part("message").textContent = "There is no provider yet.";
      offer(choices);
    } catch (error) {
      part("message").textContent = error.message;
    }
  }

  function offer(choices) {
    part("choices").replaceChildren(...choices.map((choice) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.append(choice.label);
      if (choice.ends) button.className = "ends";
      if (choice.hint) {
        const hint = document.createElement("span");
        hint.className = "soft";
        hint.append(choice.hint);
        button.append(hint);
      }
      button.addEventListener("click", choice.choose);
      item.append(button);
      return item;
    }));
    part("choices").querySelector("button")?.focus();
  }

  function askNote(move, question, label, isNeeded) {
    part("choices").hidden = true;
    part("note").hidden = false;
    part("note-label").textContent = question;
    part("confirm-label").textContent = label;
    const text = part("note").querySelector("textarea");
    text.value = "";
    text.required = isNeeded;
    text.focus();
    part("note").onsubmit = (event) => {
      event.preventDefault();
      save("status", { status: move.value, note: text.value });
    };
  }

  async function save(what, body) {
    const { row } = editing;
    row.classList.add("saving");
    try {
      const answer = await call(`${address(row)}/${what}${location.search}`, { ...body, version: row.dataset.version });
      menu.hidePopover();
      put(row, answer.row, what);
      announcer.textContent = answer.message;
      count();
    } catch (error) {
      row.classList.remove("saving");
      part("message").textContent = error.message;
      refresh(row);
    }
  }

  // What was refused shows how things stand now.
  async function refresh(row) {
    try {
      const answer = await call(`${address(row)}/row${location.search}`);
      editing = { ...editing, row: put(row, answer.row) };
      if (editing.kind === "status" && part("note").hidden) showMoves(editing.row);
    } catch { /* the message of the refusal stands */ }
  }

  function put(row, markup, focus) {
    const template = document.createElement("template");
    template.innerHTML = markup.trim();
    const fresh = template.content.firstElementChild;
    fresh.querySelector("input").checked = row.querySelector("input").checked;
    if (row.classList.contains("here")) fresh.classList.add("here");
    row.replaceWith(fresh);
    if (focus) fresh.querySelector(`[data-edit=${focus}]`)?.focus();
    return fresh;
  }

  menu?.querySelector("[data-cancel]").addEventListener("click", () => openMenu(editing.row, editing.kind));
  menu?.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...part("choices").querySelectorAll("button")];
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length]?.focus();
  });
  table?.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-edit]");
    if (cell) openMenu(cell.closest("[data-row]"), cell.dataset.edit);
    else if (!event.target.closest("a, input, button, label, thead")) walk(event.target.closest("[data-row]"));
  });

  // --- keys

  const rows = () => [...table.querySelectorAll("[data-row]")];
  const here = () => table?.querySelector(".here");

  function step(by) {
    const all = rows();
    walk(all[Math.max(0, Math.min(all.length - 1, all.indexOf(here()) + by))]);
  }

  function walk(next) {
    if (!next) return;
    here()?.classList.remove("here");
    next.classList.add("here");
    next.querySelector("th a").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("row:here", { detail: next }));
  }

  // Back in the list, one goes on from the request one comes from.
  table?.querySelector(`[data-row="${sessionStorage.getItem("request")}"]`)?.classList.add("here");
  here()?.scrollIntoView({ block: "nearest" });

  const keys = {
    j: () => step(1),
    k: () => step(-1),
    Enter: () => here()?.querySelector("th a").click(),
    x: () => tick(here(), false),
    X: () => tick(here(), true),
    a: () => here() && openMenu(here(), "provider"),
    s: () => here() && openMenu(here(), "status"),
  };
  document.addEventListener("keydown", (event) => {
    const isElsewhere = isTyping(event.target) || event.target.closest("[popover], dialog")
      || (event.key === "Enter" && event.target.closest("a:not(th a), button, summary"));
    if (!table || !isShortcut(event) || isElsewhere || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // --- how many the list and each tab hold

  const tabs = document.querySelector("[data-counts]");
  async function count() {
    try {
      const places = document.querySelectorAll("[data-list-count]");
      const { counts, list } = await call(tabs.dataset.counts + (places.length ? location.search || "?view=todo" : ""));
      for (const place of places) place.textContent = list;
      for (const tab of tabs.querySelectorAll("[data-tab]")) {
        tab.querySelector("[data-tab-count]").textContent = counts[tab.dataset.tab] ?? "";
      }
    } catch { /* a list without counts is a list */ }
  }
  if (tabs) count();

  // --- news

  const news = document.querySelector("[data-news]");
  async function look() {
    if (document.hidden) return;
    try {
      const address = `${news.dataset.news}?since=${encodeURIComponent(news.dataset.since)}`;
      const response = await fetch(address, { headers: { Accept: "application/json", "X-Background": "1" } });
      const arrived = response.ok ? (await response.json()).count : 0;
      if (!arrived) return;
      const link = document.createElement("a");
      link.href = news.closest("main").querySelector(".tabs a").href;
      link.append(`${arrived === 1 ? "1 new request" : `${arrived} new requests`} – show`);
      news.replaceChildren(link);
      count();
    } catch { /* offline for a moment: the next look tells */ }
  }
  if (news) setInterval(look, 20000);
})();
