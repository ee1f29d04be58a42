// Keys that work on every page of the console. What a page offers besides is marked in it: `data-command` names
// something to do, `data-key` the letter for it, `data-commands` a select whose options can be chosen by name.
"use strict";

const isMac = /mac|iphone|ipad/i.test(navigator.platform);
for (const key of isMac ? document.querySelectorAll("[data-modifier]") : []) key.textContent = "⌘";

// Never while typing and never with a modifier, but for AltGr, which some keyboards need to write [ and ].
function isShortcut(event) {
  const isModified = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
  return !("keysOff" in document.body.dataset) && !isModified && !event.isComposing
    && !isTyping(event.target) && !event.target.closest("dialog, [popover]");
}

function isOnShow(element) {
  const drawer = element.closest("details:not([open])");
  return (drawer && drawer !== element ? drawer : element).checkVisibility() && !element.disabled;
}

// What the page offers, in its order. Links, buttons and drawers at its head need no mark.
function pageCommands() {
  return [...document.querySelectorAll("main [data-command], main [data-commands], main .page-actions > :is(a, button, details)")].filter(isOnShow);
}

function nameOf(element) {
  return element.dataset.command || element.dataset.commands || (element.querySelector("summary") ?? element).textContent.trim();
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

function openAndFocus(element) {
  for (let drawer = element.closest("details"); drawer; drawer = drawer.parentElement.closest("details")) drawer.open = true;
  const field = element.querySelector("input:not([type=hidden]), select, textarea") ?? element.querySelector("button");
  (field ?? element).focus();
  if (field?.matches("input[type=text], input:not([type])")) field.select();
}

// What changes something at a press is only brought under the finger: Enter then does it.
function perform(element, isSure) {
  if (element.dataset.commands) openPalette(element);
  else if (element.matches("form, details")) openAndFocus(element);
  else if (!isSure && element.matches("button:not([type=button])")) openAndFocus(element);
  else element.click();
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
    const own = pageCommands().filter((each) => each.dataset.key);
    section.querySelectorAll("[data-found]").forEach((each) => each.remove());
    section.querySelector("dl").append(...own.map((each) => {
      const line = document.createElement("div");
      line.dataset.found = "";
      const [key, name] = ["dt", "dd"].map((tag) => line.appendChild(document.createElement(tag)));
      key.appendChild(document.createElement("kbd")).textContent = each.dataset.key;
      name.textContent = nameOf(each).replace("…", "");
      return line;
    }));
    section.hidden = !section.querySelector("dl > *");
    list.querySelector("[name=single]").checked = !("keysOff" in document.body.dataset);
    list.showModal();
  }

  const keys = {
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
    const target = goes ? document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)
      : !event.repeat && pageCommands().find((each) => each.dataset.key === event.key);
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

  document.querySelector("[data-keys-list]")?.addEventListener("click", showKeys);
  if (list) letClose(list);

  list?.querySelector("[data-keys-choice]").addEventListener("change", async (event) => {
    const form = event.currentTarget;
    const problem = form.querySelector("[role=alert]");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": csrfToken },
        body: new FormData(form),
      });
      if (!answer.ok) throw new Error(answer.status);
      document.body.toggleAttribute("data-keys-off", !(await answer.json()).single);
      problem.hidden = true;
    } catch {
      event.target.checked = !event.target.checked;
      problem.textContent = "This could not be saved, so nothing changed. Try again in a minute, or reload the page.";
      problem.hidden = false;
    }
  });
})();
