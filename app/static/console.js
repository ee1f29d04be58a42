// What every page of the console shares. Without it, all of it works by plain forms and links.
"use strict";

document.documentElement.classList.add("scripted");

const csrfToken = document.querySelector("meta[name=csrf-token]")?.content;

function isTyping(target) {
  return target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;
}

document.querySelector("[data-focus]")?.focus();
document.querySelector(".rail [aria-current]")?.scrollIntoView({ block: "nearest" });

// A choice narrows the list at once; a date does when it is complete and left.
for (const form of document.querySelectorAll("[data-filters]")) {
  const asFirst = new URLSearchParams(new FormData(form)).toString();
  const submit = () => {
    if (new URLSearchParams(new FormData(form)).toString() === asFirst) return;
    // Empty fields would only make the address long.
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
    form.submit();
  };
  form.addEventListener("change", (event) => { if (event.target.matches("select")) submit(); });
  form.addEventListener("focusout", (event) => { if (event.target.matches("input")) submit(); });
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    const words = copy.textContent;
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = words; }, 1500);
  }
  const asked = event.target.closest("[data-confirm]");
  if (asked && !window.confirm(asked.dataset.confirm)) event.preventDefault();
  for (const drop of document.querySelectorAll("details.drop[open]")) {
    if (!drop.contains(event.target)) drop.open = false;
  }
});

// Pressed once is enough.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  for (const button of event.target.querySelectorAll("button:not([name])")) {
    setTimeout(() => { button.disabled = true; });
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button:disabled")) button.disabled = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const drop = event.target.closest?.("details.drop[open]");
    if (drop) { drop.open = false; drop.querySelector("summary").focus(); }
  }
});

// A note that somebody is writing outlives the page's other buttons: this tab keeps it until it is sent.
for (const field of document.querySelectorAll("[data-kept]")) {
  const name = `kept ${field.dataset.kept}`;
  field.value ||= sessionStorage.getItem(name) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(name, field.value));
  field.form.addEventListener("submit", () => sessionStorage.removeItem(name));
}

for (const form of document.querySelectorAll("[data-selectable]")) {
  const boxes = () => [...form.querySelectorAll("input[name=rowid]")];
  let last = null;
  // With Shift, all rows from the one ticked before.
  form.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=rowid]");
    if (!box) return;
    const places = [boxes().indexOf(last), boxes().indexOf(box)].sort((one, other) => one - other);
    if (event.shiftKey && places[0] >= 0) for (const each of boxes().slice(places[0], places[1] + 1)) each.checked = box.checked;
    last = box;
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
    const count = boxes().filter((box) => box.checked).length;
    const shown = form.querySelector("[data-count]");
    const all = form.querySelector("input[name=scope]:checked + * [data-list-count]");
    if (shown) shown.textContent = all ? all.textContent || "All" : count;
  });
}
