/* The server's rules decide what is valid; this asks for their verdict while one types, and shows it in time.
   Without this script the button is always enabled and the server shows every error at once. */
"use strict";

(() => {
  const form = document.querySelector("[data-checkout]");
  const button = form && form.querySelector("[data-pay]");
  if (!form || !button) return;

  const DEBOUNCE = 200;
  const PATIENCE = 5000;
  const text = button.querySelector("[data-pay-text]");
  const state = form.querySelector("[data-pay-state]");
  const summary = form.querySelector("[data-problems]");
  const boxes = new Map([...form.querySelectorAll("[data-field]")].map((box) => [box.dataset.field, box]));
  const left = new Set();

  let verdict = JSON.parse(form.dataset.verdict);
  let judged = null;
  let timer = 0;
  let question = null;
  let isSending = false;

  const present = () => {
    const values = new URLSearchParams(new FormData(form));
    ["csrf_token", "submission", "started", "scripts"].forEach((name) => values.delete(name));
    return values.toString();
  };

  const labelOf = (name) => boxes.get(name).querySelector("legend, label").textContent.trim().toLowerCase();

  const showProblem = (name, problem) => {
    const box = boxes.get(name);
    const line = box.querySelector("[data-problem]");
    if (line.textContent !== problem) line.textContent = problem;
    box.classList.toggle("field-wrong", Boolean(problem));
    box.querySelectorAll("input, textarea").forEach((input) => {
      if (problem) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    });
  };

  const show = () => {
    const isKnown = judged === present();
    const missing = [...boxes.keys()].filter((name) => verdict.errors[name]);
    button.disabled = isSending || !isKnown || !verdict.valid;
    if (isKnown && !isSending) button.removeAttribute("aria-busy");
    else button.setAttribute("aria-busy", "true");
    if (!isKnown || isSending) return;
    boxes.forEach((_, name) => { if (left.has(name)) showProblem(name, verdict.errors[name] || ""); });
    if (summary) summary.hidden = verdict.valid;
    state.textContent = missing.length ? "Still needed: " + missing.map(labelOf).join(", ") + "." : "";
  };

  const forget = () => {
    if (question) question.abort("forgotten");
    question = null;
  };

  const send = async (mine) => {
    const limit = setTimeout(() => mine.abort("slow"), PATIENCE);
    const body = new URLSearchParams(new FormData(form));
    form.elements.started.value = "1";
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body, signal: mine.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      return await answer.json();
    } catch {
      return { valid: true, errors: {} };  // Nobody to ask: let the press decide, the server checks again.
    } finally {
      clearTimeout(limit);
    }
  };

  const ask = async () => {
    clearTimeout(timer);
    const values = present();
    if (question && question.values === values) return question.answer;
    forget();
    if (judged === values) return show();
    const mine = question = new AbortController();
    mine.values = values;
    mine.answer = send(mine).then((answer) => {
      if (mine !== question) return;
      question = null;
      verdict = answer;
      judged = values;
      show();
      if (present() !== values) ask();
    });
    return mine.answer;
  };

  const askSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, DEBOUNCE);
    show();
  };

  const nameOf = (target) => target.closest("[data-field]")?.dataset.field;

  form.addEventListener("input", askSoon);
  form.addEventListener("change", (event) => { left.add(nameOf(event.target)); ask(); });
  form.addEventListener("focusout", (event) => {
    const name = nameOf(event.target);
    // Going to another window is not leaving the field.
    if (!name || !document.hasFocus() || boxes.get(name).contains(event.relatedTarget)) return;
    left.add(name);
    ask();
  });

  form.addEventListener("keydown", async (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || !button.disabled) return;
    event.preventDefault();
    boxes.forEach((_, name) => left.add(name));
    await ask();
    const first = [...boxes.keys()].find((name) => verdict.errors[name]);
    if (first) boxes.get(first).querySelector("input, textarea").focus();
  });

  form.addEventListener("submit", (event) => {
    if (isSending) return event.preventDefault();
    isSending = true;
    text.dataset.usual = text.innerHTML;
    text.textContent = button.dataset.busyText;
    show();
  });

  addEventListener("pageshow", () => {
    // Also after "back": the browser may have filled in again what was there.
    isSending = false;
    if (text.dataset.usual) text.innerHTML = text.dataset.usual;
    ask();
  });

  form.elements.scripts.value = "1";
  if (document.querySelector("#summary")) boxes.forEach((_, name) => left.add(name));
  const isAsSent = (input) => input.type === "radio" ? input.checked === input.defaultChecked : input.value === input.defaultValue;
  if ([...form.querySelectorAll("input, textarea")].every(isAsSent)) judged = present();
  show();
})();
