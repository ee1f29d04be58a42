/* Copies the reference number, sends a form once, and looks again while a payment is being checked. */
"use strict";

(() => {
  const WAITS = [1, 2, 2, 3, 3, 5, 5, 5, 10];
  const GIVE_UP_AFTER = 40;

  const offerCopies = () => {
    if (!navigator.clipboard) return;
    document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    button.textContent = "Copied";
    button.parentElement.querySelector("[data-copied]").textContent = "The reference number is copied.";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  let isSending = false;
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-once]")) return;
    const { scripts } = event.target.elements;
    if (scripts) scripts.value = "1";
    if (isSending) return event.preventDefault();
    isSending = true;
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    isSending = false;
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });

  const isChecking = (root) => root.querySelector("[data-refresh]") !== null;

  const replace = (fresh) => {
    document.title = fresh.title;
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
    const heading = document.querySelector("h1");
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    offerCopies();
  };

  const look = async (tries) => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.redirected) return location.replace(answer.url);
      if (answer.ok && !isChecking(fresh)) return replace(fresh);
    } catch { /* Offline for a moment: the next look may work. */ }
    wait(tries + 1);
  };

  const wait = (tries) => {
    if (tries > GIVE_UP_AFTER) {
      document.querySelector("[data-progress]").textContent = "This takes longer than usual. You can close this page: we write to you as soon as we know.";
      return;
    }
    setTimeout(() => look(tries), WAITS[Math.min(tries, WAITS.length - 1)] * 1000);
  };

  offerCopies();
  if (isChecking(document)) wait(0);
})();
