/* Takes the payment on this page, with the script of the gateway: loaded now, when the customer pays, and not before.
   What the gateway answers here is believed by nobody; the confirmation page asks it itself. */
"use strict";

(() => {
  const form = document.querySelector("[data-pay-here]");
  const button = form.querySelector("button");
  const place = form.querySelector("[data-place]");
  const trouble = form.querySelector("[data-trouble]");
  const told = JSON.parse(form.dataset.client);
  const usual = button.textContent;

  const done = () => location.assign(form.dataset.back);

  const ready = () => {
    button.disabled = false;
    button.textContent = usual;
    button.removeAttribute("aria-busy");
  };

  const wait = () => {
    trouble.hidden = true;
    button.disabled = true;
    button.textContent = button.dataset.busyText;
    button.setAttribute("aria-busy", "true");
  };

  const explain = (words) => {
    trouble.textContent = words;
    trouble.hidden = false;
    trouble.focus();
    ready();
  };

  // Each takes what the server told and answers what to do when the button is pressed.
  const gateways = {
    stripe() {
      const stripe = window.Stripe(told.publishable_key);
      const elements = stripe.elements({ clientSecret: told.client_secret });
      elements.create("payment").mount(place);
      return async () => {
        const confirmParams = { return_url: new URL(form.dataset.back, location).href };
        const { error } = await stripe.confirmPayment({ elements, confirmParams, redirect: "if_required" });
        if (error) explain(error.message || "The payment did not go through. Try again, or pay another way.");
        else done();
      };
    },

    razorpay() {
      const { name, email, contact, ...order } = told;
      const options = { ...order, name: form.dataset.business, prefill: { name, email, contact }, handler: done };
      return () => {
        const checkout = new window.Razorpay({ ...options, modal: { ondismiss: ready } });
        checkout.on("payment.failed", ({ error }) => explain(error.description || "The payment did not go through."));
        checkout.open();
      };
    },
  };

  const script = document.createElement("script");
  script.src = form.dataset.script;
  script.addEventListener("load", () => {
    const pay = gateways[form.dataset.gateway]();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      wait();
      pay();
    });
    ready();
  });
  script.addEventListener("error", () => {
    trouble.textContent = "The payment company's form could not be loaded. You have not been charged. Reload the page, or choose another way to pay below.";
    trouble.hidden = false;
  });
  document.head.append(script);
})();
