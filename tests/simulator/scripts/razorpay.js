// A stand-in for Razorpay's Checkout: buttons for each outcome instead of the window it opens over the page.
window.Razorpay = function (options) {
  const api = "https://api.razorpay.com";
  const listeners = {};
  let panel = null;

  async function decide(outcome) {
    const body = new URLSearchParams({ key_id: options.key, order_id: options.order_id, outcome });
    const answer = await fetch(`${api}/simulated/pay`, { method: "POST", body });
    const told = await answer.json();
    panel.remove();
    if (told.error) {
      if (listeners["payment.failed"]) listeners["payment.failed"]({ error: told.error });
      return;
    }
    if (options.callback_url) {
      const form = document.createElement("form");
      form.method = "post";
      form.action = options.callback_url;
      for (const [name, value] of Object.entries(told)) {
        const field = document.createElement("input");
        field.type = "hidden";
        field.name = name;
        field.value = value;
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    } else {
      options.handler(told);
    }
  }

  this.on = (event, listener) => {
    listeners[event] = listener;
  };
  this.close = () => panel && panel.remove();
  this.open = () => {
    panel = document.createElement("div");
    panel.id = "simulated-razorpay";
    panel.setAttribute("role", "dialog");
    for (const outcome of ["paid", "payment_declined", "insufficient_funds", "payment_timed_out"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = outcome;
      button.addEventListener("click", () => decide(outcome));
      panel.append(button);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "close";
    close.addEventListener("click", () => {
      panel.remove();
      if (options.modal && options.modal.ondismiss) options.modal.ondismiss();
    });
    panel.append(close);
    document.body.append(panel);
  };
};
