// The command palette: Ctrl K, a few letters, Enter. Without it the search and the menu lead everywhere.
"use strict";

const openPalette = (() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return () => {};
  const [text, list, said, scopeName] = ["text", "list", "state", "scope"].map((part) => document.getElementById(`palette-${part}`));
  const PAUSE = 120;
  const MOST_FILTERS = 12;
  const usual = text.placeholder;

  let scope = null; // a select of the page, whose options are all there is to choose
  let standing = []; // pages, views and new entries: loaded when first opened
  let found = []; // what the words found at the server
  let search = null; // the one that is under way
  let trouble = ""; // why there is no answer
  let shown = []; // the entries in the list
  let active = -1;
  let isPicked = false; // by an arrow, so that it stays chosen when more arrives
  let isLoading = false;
  let enterWaits = null; // Enter came before the answer

  // --- what there is to choose

  const wordsOf = (words) => words.toLocaleLowerCase().split(/[\s,:]+/).filter(Boolean);

  function fits(entry, words) {
    const own = wordsOf(`${entry.label} ${entry.hint ?? ""} ${entry.also ?? ""} ${entry.group === "New" ? "new" : ""}`);
    // A change is offered only to who names it by its verb: looking for a customer must not assign anybody.
    const isNamed = scope || !entry.verb || !words.length || wordsOf(entry.verb)[0].startsWith(words[0]);
    return isNamed && words.every((word) => own.some((each) => each.startsWith(word)));
  }

  const begins = (entry) => Number(entry.label.toLocaleLowerCase().startsWith(text.value.trim().toLocaleLowerCase()));

  // What begins with the words stands before what only has them.
  function fitting(entries, words) {
    return entries.filter((entry) => fits(entry, words)).sort((one, other) => begins(other) - begins(one));
  }

  function everything(words) {
    if (scope) return fitting(optionEntries(scope), words);
    if (!words.length) return [...commandEntries(words), ...standing, ...OWN];
    const near = fitting([...commandEntries(words), ...fieldEntries(), ...standing, ...OWN], words);
    // After what was found: a name that is typed is a customer's before it is a provider's to filter by.
    return [...near, ...found, ...fitting(filterEntries(), words).slice(0, MOST_FILTERS), searchAll()];
  }

  const press = (selector) => () => document.querySelector(selector).click();
  const OWN = [
    { group: "Console", label: "Keys", also: "show shortcuts help", key: "?", run: press("[data-keys-list]") },
    { group: "Console", label: "Sign out", also: "log leave", verb: "Sign out", run: press(".rail-user form button") },
  ];

  function searchAll() {
    const form = document.querySelector("form.search");
    const address = `${form.action}?${new URLSearchParams({ view: "all", q: text.value.trim() })}`;
    return { group: "Search", label: `All requests with “${text.value.trim()}”`, address };
  }

  // --- the list

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  function lineOf(entry, place) {
    const line = make(entry.address ? "a" : "div", { id: `palette-${place}`, className: "palette-option", role: "option", tabIndex: -1 });
    if (entry.address) line.href = entry.address;
    const isReference = entry.group === "Requests";
    line.append(make("span", { className: isReference ? "palette-label mono" : "palette-label" }, entry.label));
    if (entry.detail) line.append(" ", make("span", { className: "palette-detail" }, entry.detail));
    if (entry.hint) line.append(" ", make("span", { className: "palette-hint" }, entry.hint));
    if (entry.state) line.append(" ", make("span", { className: `pill ${entry.state[1]}` }, entry.state[0]));
    if (entry.key) line.append(" ", make("span", { className: "palette-keys" }, ...entry.key.split(" ").map((key) => make("kbd", {}, key))));
    line.addEventListener("click", (event) => {
      if (entry.address && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
      event.preventDefault();
      open(place, event);
    });
    return line;
  }

  function show() {
    const words = wordsOf(text.value);
    const before = shown[active];
    shown = everything(words);
    const groups = new Map();
    shown.forEach((entry, place) => {
      if (!groups.has(entry.group)) groups.set(entry.group, []);
      groups.get(entry.group).push(lineOf(entry, place));
    });
    list.replaceChildren(...[...groups].map(([name, lines]) => make("div", { role: "group", ariaLabel: name },
      make("div", { className: "palette-group", role: "presentation", hidden: Boolean(scope) }, name), ...lines)));
    list.hidden = !shown.length;
    text.setAttribute("aria-expanded", String(shown.length > 0));
    const stays = before && isPicked ? shown.findIndex((entry) => entry.group === before.group && entry.label === before.label) : -1;
    // Enter must not open what was found for fewer letters, nor do anything before a word is typed.
    const isMeant = words.length && shown.length && shown[0].group !== "Search" && !(search && shown[0].isFound);
    activate(stays >= 0 ? stays : isMeant ? 0 : -1);
    say();
  }

  function activate(place) {
    list.querySelector("[aria-selected=true]")?.removeAttribute("aria-selected");
    active = place;
    const line = document.getElementById(`palette-${place}`);
    line?.setAttribute("aria-selected", "true");
    line?.scrollIntoView({ block: "nearest" });
    if (line) text.setAttribute("aria-activedescendant", line.id);
    else text.removeAttribute("aria-activedescendant");
  }

  function say() {
    const count = shown.filter((entry) => entry.group !== "Search").length;
    const results = count === 1 ? "1 result." : `${count} results.`;
    const hint = "Names, emails, phone numbers and payment ids are found whole, references by their beginning.";
    const none = scope ? "Nothing of that name." : `Nothing found. ${hint}`;
    said.classList.toggle("late", Boolean(trouble));
    // While it searches, what it said stands: a screen reader shall not read every letter's count.
    if (trouble || !search || !count) said.textContent = trouble || (search ? "Searching…" : count ? (text.value ? results : "") : none);
  }

  // --- the server's answers

  async function ask(address, body, signal) {
    const answer = await fetch(address, {
      method: body ? "POST" : "GET",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken },
      body: body && JSON.stringify(body),
      signal,
    });
    if (answer.ok) return (await answer.json()).entries;
    const { error } = await answer.json().catch(() => ({}));
    if (answer.status === 401 || error?.code === "csrf_failed") throw new Error("You were signed out. Reload the page to sign in again.");
    throw new Error(error ? [error.message, error.suggestedAction].filter(Boolean).join(" ") : "The search did not work. Try again in a minute.");
  }

  const wordsFor = (error) => (error instanceof TypeError
    ? "You are offline, or we cannot be reached. Nothing was searched: type on to try again."
    : error.message);

  function look() {
    search?.stop.abort();
    clearTimeout(search?.timer);
    const words = text.value.trim();
    search = null;
    trouble = "";
    if (words.length < 2 || scope) { found = []; return; }
    const mine = { stop: new AbortController(), start: () => fetchFound(mine, words), timer: setTimeout(() => fetchFound(mine, words), PAUSE) };
    search = mine;
  }

  async function fetchFound(mine, words) {
    clearTimeout(mine.timer);
    mine.start = () => {};
    try {
      const entries = await ask(dialog.dataset.found, { text: words }, mine.stop.signal);
      if (search !== mine) return;
      [search, found] = [null, entries.map((entry) => ({ ...entry, isFound: true }))];
    } catch (error) {
      if (search !== mine) return;
      [search, found, trouble] = [null, [], wordsFor(error)];
    }
    arrive();
  }

  async function load() {
    if (standing.length || isLoading) return;
    isLoading = true;
    try {
      standing = await ask(dialog.dataset.entries);
    } catch (error) {
      trouble = wordsFor(error);
    }
    isLoading = false;
    if (dialog.open) arrive();
  }

  // The same letters and Enter mean the same, however fast they come: is what will stand first not there yet?
  function isMoreToCome() {
    if (isPicked || scope || (shown[active] && begins(shown[active]))) return false;
    return isLoading || (active < 0 && search !== null);
  }

  function arrive() {
    show();
    if (!enterWaits || isMoreToCome()) return;
    open(active, enterWaits);
    enterWaits = null;
  }

  // --- what one does

  function open(place, event) {
    const entry = shown[place];
    if (!entry) return;
    const isElsewhere = event?.ctrlKey || event?.metaKey;
    if (entry.address && isElsewhere) { window.open(entry.address, "_blank", "noopener"); return; }
    shut(dialog);
    if (entry.address) location.assign(entry.address);
    else entry.run(event);
  }

  function begin(select) {
    scope = select;
    scopeName.hidden = !scope;
    scopeName.textContent = scope ? nameOf(scope) : "";
    text.setAttribute("aria-label", scope ? nameOf(scope) : "Search or jump to");
    text.placeholder = scope ? "Type the first letters" : usual;
    [text.value, active, shown, enterWaits, isPicked] = ["", -1, [], null, false];
    look();
    show();
    if (!scope) load();
  }

  function start(select) {
    document.querySelector("dialog[open]:not(#palette)")?.close();
    if (!dialog.open) dialog.showModal();
    begin(select);
    text.focus();
  }

  text.addEventListener("input", () => { [enterWaits, isPicked, active] = [null, false, -1]; look(); show(); });
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step && shown.length) {
      event.preventDefault();
      const last = shown.length - 1;
      const next = active + step;
      isPicked = true;
      activate(Math.abs(step) > 1 ? Math.max(0, Math.min(last, next)) : next > last ? 0 : next < 0 ? last : next);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isMoreToCome()) { enterWaits = event; search?.start(); } else open(active, event);
    } else if (event.key === "Backspace" && scope && !text.value) {
      begin(null);
    }
  });

  letClose(dialog);
  dialog.querySelector("[data-palette-close]").addEventListener("click", () => shut(dialog));
  document.querySelector("[data-palette]")?.addEventListener("click", () => start(null));
  // The first half of Ctrl K: by the second, what there is to choose is on its way.
  document.addEventListener("keydown", (event) => { if (["Control", "Meta"].includes(event.key)) load(); });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) shut(dialog);
    else start(null);
  });
  return start;
})();
