// Keys that work on every page of the console, and those that a page gives to its commands.
"use strict";

const isMac = /mac|iphone|ipad/i.test(navigator.platform);
for (const key of isMac ? document.querySelectorAll("[data-modifier]") : []) key.textContent = "⌘";

// Never while typing and never with a modifier, but for AltGr, which some keyboards need to write [ and ].
function isShortcut(event) {
  const isModified = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
  return !("keysOff" in document.body.dataset) && !isModified && !event.isComposing
    && !isTyping(event.target) && !event.target.closest("dialog, [popover]");
}

// At once: a browser lets go of the field in a dialog a moment later, and the next key would be lost in it.
function shut(dialog) {
  dialog.close();
  if (dialog.contains(document.activeElement)) document.activeElement.blur();
}

function letClose(dialog) {
  dialog.addEventListener("click", (event) => { if (event.target === dialog) shut(dialog); });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    shut(dialog);
  });
}

function tick(row, isRange) {
  row?.querySelector("input[name=rowid]")?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: isRange }));
}

(() => {
  const list = document.getElementById("keys");
  let goes = 0;

  function go(isOn) {
    clearTimeout(goes);
    document.documentElement.classList.toggle("going", isOn);
    goes = isOn ? setTimeout(go, 3000, false) : 0;
  }

  function showKeys() {
    const section = list.querySelector("[data-keys-page]");
    const own = pageCommands().filter((each) => each.dataset.key).map((each) => [each.dataset.key, nameOf(each).replace("…", "")]);
    section.querySelectorAll("[data-found]").forEach((each) => each.remove());
    section.querySelector("dl").append(...[...(rows().length ? LIST_KEYS : []), ...own].map(([letters, words]) => {
      const line = document.createElement("div");
      line.dataset.found = "";
      const [key, name] = ["dt", "dd"].map((tag) => line.appendChild(document.createElement(tag)));
      for (const letter of letters.split(" ")) key.append(Object.assign(document.createElement("kbd"), { textContent: letter }), " ");
      name.textContent = words;
      return line;
    }));
    section.hidden = !section.querySelector("dl > *");
    list.querySelector("[name=single]").checked = !("keysOff" in document.body.dataset);
    list.showModal();
  }

  // Lists of all kinds but requests, which have more of it.
  const LIST_KEYS = [["j k", "next, previous row"], ["Enter", "open it"], ["x", "select it"], ["X", "select all from the last one to it"]];
  const rows = () => [...document.querySelectorAll("main .list:not(.requests) [data-row]")];
  const here = () => document.activeElement.closest("[data-row]");

  function step(by) {
    const all = rows();
    const next = all[Math.max(0, Math.min(all.length - 1, here() ? all.indexOf(here()) + by : 0))];
    next?.querySelector("th a, a")?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  const listKeys = { j: () => step(1), k: () => step(-1), x: () => tick(here(), false), X: () => tick(here(), true) };
  const keys = {
    ...(rows().length ? listKeys : {}),
    "/": () => { const search = document.getElementById("search"); search?.focus(); search?.select(); },
    "?": showKeys,
    u: () => [...document.querySelectorAll("main .crumb a")].at(-1)?.click(),
    "[": () => document.querySelector("main a[rel=prev]")?.click(),
    "]": () => document.querySelector("main a[rel=next]")?.click(),
    g: () => go(true),
  };

  // Before the page's own keys: a letter after `g` is not theirs.
  document.addEventListener("keydown", (event) => {
    if (!list || !isShortcut(event) || event.key === "Shift") return;
    if (event.key.length > 1) { go(false); return; }
    if (event.repeat && !listKeys[event.key]) return;
    const target = goes ? document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)
      : pageCommands().find((each) => each.dataset.key === event.key);
    const action = goes ? () => target?.click() : target ? () => perform(target, false) : keys[event.key];
    if (goes) go(false);
    else if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }, true);

  // Ctrl Enter sends the form one writes in, as in mail programs.
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("textarea, select, input")?.form;
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || form?.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button:not([type=button])"));
  });

  // A form that was opened to be filled in is begun at once, where no keyboard comes up over it.
  if (matchMedia("(hover: hover)").matches) {
    const form = document.querySelector("form[data-begin]");
    if (form) openAndFocus(form);
    document.addEventListener("click", (event) => {
      const drawer = event.detail && event.target.closest("summary")?.closest("details.drop");
      // The click has yet to open it.
      if (drawer && !drawer.open) setTimeout(openAndFocus, 0, drawer);
    });
  }

  const request = location.pathname.match(/\/requests\/([0-9a-f-]{36})$/);
  if (request) sessionStorage.setItem("request", request[1]);

  document.querySelector("[data-keys-list]")?.addEventListener("click", showKeys);
  if (list) letClose(list);

  list?.querySelector("[data-keys-choice]").addEventListener("change", async (event) => {
    const form = event.currentTarget;
    const problem = form.querySelector("[role=alert]");
    const body = new FormData(form);
    const follow = () => document.body.toggleAttribute("data-keys-off", !event.target.checked);
    // Before the answer: the next key is already meant as chosen.
    follow();
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": csrfToken },
        body,
      });
      if (!answer.ok) throw new Error(answer.status);
      problem.hidden = true;
    } catch {
      event.target.checked = !event.target.checked;
      follow();
      problem.textContent = "This could not be saved, so nothing changed. Try again in a minute, or reload the page.";
      problem.hidden = false;
    }
  });
})();
