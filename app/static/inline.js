// Values that change in their cell: click, type, Enter; a press for what is one thing or the other; a drag for an order.
"use strict";

(() => {
  const announcer = document.createElement("p");
  announcer.className = "hidden";
  announcer.setAttribute("role", "status");
  document.body.append(announcer);

  async function save(address, value, seen) {
    const response = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken },
      body: JSON.stringify({ value, seen }),
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const error = answer.error ?? { message: "This did not work. Reload the page and try again." };
    const problem = new Error([error.message, error.suggestedAction].filter(Boolean).join(" "));
    problem.now = error.details?.value;
    throw problem;
  }

  function put(old, markup) {
    const template = document.createElement("template");
    template.innerHTML = markup.trim();
    const fresh = template.content.firstElementChild;
    old.replaceWith(fresh);
    fresh.focus();
    announcer.textContent = "Saved.";
  }

  function complain(after, text) {
    let message = after.parentElement.querySelector(".inline-problem");
    if (!message) {
      message = document.createElement("span");
      message.className = "inline-problem";
      message.setAttribute("role", "alert");
      after.after(message);
    }
    message.textContent = text;
  }

  function quiet(cell) {
    cell?.querySelector(".inline-problem")?.remove();
  }

  // --- typed

  function open(link) {
    const cell = link.parentElement;
    const input = document.createElement("input");
    input.className = "inline-input";
    input.value = link.dataset.inline;
    input.size = Math.max(link.dataset.inline.length + 2, 6);
    input.setAttribute("aria-label", link.dataset.label);
    let seen = link.dataset.inline;
    let isSaving = false;
    link.replaceWith(input);
    input.select();

    function close() {
      quiet(cell);
      if (input.isConnected) input.replaceWith(link);
    }

    async function confirm() {
      if (isSaving) return;
      if (input.value.trim() === seen) { close(); link.focus(); return; }
      isSaving = true;
      input.classList.add("saving");
      try {
        const answer = await save(link.href, input.value.trim(), seen);
        if (answer.isMoved) { window.location.reload(); return; }
        quiet(cell);
        put(input, answer.cell);
      } catch (problem) {
        // Told what it is by now, whoever presses Enter again means it.
        if (problem.now !== undefined) seen = problem.now;
        complain(input, problem.message);
        input.focus();
      } finally {
        isSaving = false;
        input.classList.remove("saving");
      }
    }

    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") { event.preventDefault(); confirm(); }
      if (event.key === "Escape") { close(); link.focus(); }
    });
    // What was typed and not confirmed stays in sight: neither saved nor lost.
    input.addEventListener("blur", () => { if (!isSaving && input.value.trim() === seen) close(); });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-inline]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link);
  });

  // --- pressed

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-press]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (button.classList.contains("saving")) return;
    button.classList.add("saving");
    quiet(button.parentElement);
    try {
      const answer = await save(button.formAction ?? button.href, button.value ?? button.dataset.value, button.dataset.press);
      if (answer.isMoved) window.location.reload();
      else put(button, answer.cell);
    } catch (problem) {
      button.classList.remove("saving");
      complain(button, problem.message);
    }
  });

  // --- dragged: a row by its grip, onto the row whose place it takes

  let dragged = null;

  document.addEventListener("dragstart", (event) => {
    const grip = event.target.closest?.("[data-grip]");
    if (!grip) return;
    dragged = grip.closest("[data-row]");
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setDragImage(dragged, 0, 0);
  });

  function target(event) {
    const row = event.target.closest?.("[data-row]");
    return dragged && row && row !== dragged && row.parentElement === dragged.parentElement ? row : null;
  }

  document.addEventListener("dragover", (event) => {
    const row = target(event);
    for (const each of document.querySelectorAll(".drop-here")) each.classList.toggle("drop-here", each === row);
    if (!row) return;
    event.preventDefault();
    row.classList.add("drop-here");
  });

  document.addEventListener("drop", async (event) => {
    const row = target(event);
    if (!row) return;
    event.preventDefault();
    const grip = dragged.querySelector("[data-grip]");
    try {
      await save(grip.dataset.grip, row.querySelector("[data-grip]").dataset.position, grip.dataset.position);
      window.location.reload();
    } catch (problem) {
      complain(grip, problem.message);
    }
  });

  document.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    for (const each of document.querySelectorAll(".drop-here")) each.classList.remove("drop-here");
    dragged = null;
  });
})();
