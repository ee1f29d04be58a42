// What a page offers, found in its markup: whatever `data-command` names and `data-key` gives a letter, the options of
// a select with `data-commands`, the links and buttons at its head, its tabs, filters and fields.
"use strict";

const COMMANDS = [
  "[data-command]", "[data-commands]", ".page-actions > :is(a, button, details)", ".tabs:not([data-counts]) a", ".numbers a", "th a.sort",
  "input[data-all]", ".bulk button[name]",
].map((each) => `main ${each}`).join(", ");

function isOnShow(element) {
  const drawer = element.closest("details:not([open])");
  return (drawer && drawer !== element ? drawer : element).checkVisibility() && !element.disabled;
}

function pageCommands() {
  return [...document.querySelectorAll(COMMANDS)].filter(isOnShow);
}

function nameOf(element) {
  const words = (element.querySelector("summary") ?? element).innerText.replace(/[↑↓\s]+/g, " ").trim();
  return element.dataset.command || element.dataset.commands || element.ariaLabel || (element.matches(".sort") ? `Sort by ${words}` : words);
}

const isSubmit = (element) => element.matches("button:not([type=button])");

function openAndFocus(element) {
  for (let drawer = element.closest("details"); drawer; drawer = drawer.parentElement.closest("details")) drawer.open = true;
  const field = element.matches("input, select, textarea") ? element
    : element.querySelector("input:not([type=hidden]), select, textarea") ?? element.querySelector("button");
  (field ?? element).focus();
  if (field?.matches("input:not([type]), input[type=text], input[type=number]")) field.select();
}

// What changes something at a press is only brought under the finger unless one is sure: Enter then does it.
function perform(element, isSure) {
  if (element.dataset.commands) openPalette(element);
  else if (element.matches("form, details") || (isSubmit(element) && !isSure)) openAndFocus(element);
  else element.click();
}

// --- as entries of the palette; `verb` marks what changes something

function choices(select) {
  const isNow = (option) => "now" in select.dataset && option.defaultSelected;
  return [...select.options].filter((option) => option.value && !isNow(option));
}

function choose(select, option, event) {
  const form = select.form;
  const button = select.parentElement.querySelector("button:not([type=button])") ?? form.querySelector("button:not([type=button])");
  select.value = option.value;
  // Shift Enter stops at the form, for a note with it; so does a form that wants more than this.
  const rest = select.closest(".bulk") ? null : [...form.elements].find((each) => each.matches("textarea, input:not([type=hidden])"));
  if (!(event?.shiftKey && rest) && form.checkValidity()) { form.requestSubmit(button); return; }
  openAndFocus(select);
  (form.querySelector(":invalid") ?? rest)?.focus();
}

function optionEntries(select) {
  const name = nameOf(select);
  return choices(select).map((option) => ({
    group: name, label: option.text.trim(), verb: name, run: (event) => choose(select, option, event),
  }));
}

function commandEntries(words) {
  return pageCommands().flatMap((element) => {
    const name = nameOf(element);
    const own = {
      group: "On this page",
      label: element.dataset.commands ? `${name}…` : name,
      key: element.dataset.key,
      address: element.matches("a[href]") ? element.href : "",
      run: () => perform(element, true),
      verb: isSubmit(element) ? name : "",
    };
    const named = element.dataset.commands && words.length > 1 ? optionEntries(element) : [];
    return [own, ...named.map((each) => ({ ...each, group: "On this page", label: `${name} ${each.label}` }))];
  });
}

const optionsToFilterBy = (select) => [...select.options].filter((option) => !option.selected && (option.value || select.value));

function filterEntries() {
  return [...document.querySelectorAll("main [data-filters] select")].filter(isOnShow).flatMap((select) => {
    const name = select.closest("label").querySelector("span").innerText.trim();
    return optionsToFilterBy(select).map((option) => ({
      group: "Filter",
      label: `${name}: ${option.text.trim()}`,
      run: () => { select.value = option.value; select.dispatchEvent(new Event("change", { bubbles: true })); },
    }));
  });
}

function fieldEntries() {
  const labels = document.querySelectorAll("main form.sheet :is(.field > label, .boxes label)");
  return [...labels].filter((label) => label.control && isOnShow(label)).map((label) => ({
    group: "Field",
    label: label.innerText.trim(),
    run: () => {
      openAndFocus(label.control);
      if (label.control.type === "checkbox") label.control.click();
    },
  }));
}
