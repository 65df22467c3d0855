// What every page does: theme switch, menus, toasts, confirmations, copying, and htmx's manners.
// Pages work without it; nothing here is needed to read or to act, except what htmx itself adds.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const root = document.documentElement;

  // Theme switch: follows the system -> light -> dark

  const themeSwitch = $("#theme-switch");
  if (themeSwitch) {
    const next = { auto: "light", light: "dark", dark: "auto" };
    const words = { auto: "follows the system", light: "light", dark: "dark" };
    const label = () => {
      const text = `Theme: ${words[root.dataset.themeChoice]}`;
      themeSwitch.setAttribute("aria-label", text);
      themeSwitch.title = text;
    };
    themeSwitch.hidden = false;
    themeSwitch.addEventListener("click", () => {
      window.relevalTheme.choose(next[root.dataset.themeChoice]);
      label();
    });
    document.addEventListener("releval:theme", label);
    label();
  }

  // Menus are <details data-menu>: one open at a time, closed by a click elsewhere, by Escape and by tabbing out

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details[data-menu][open]");
    closeMenus();
    if (menu) $("summary", menu).focus();
  });

  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest("details[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });

  // Toasts

  const toasts = $("#toasts");
  const leaveAfter = (item) => {
    // Errors stay until they are closed; the others wait while someone points at them or is inside.
    if (item.classList.contains("toast-error")) return;
    let timer;
    const start = () => {
      timer = setTimeout(() => item.remove(), 8000);
    };
    const stop = () => clearTimeout(timer);
    item.addEventListener("mouseenter", stop);
    item.addEventListener("mouseleave", start);
    item.addEventListener("focusin", stop);
    item.addEventListener("focusout", start);
    start();
  };
  // `html` was escaped by the server; a text of ours goes in as text.
  const showToast = (level, { html, text }) => {
    const item = $("#toast-template").content.firstElementChild.cloneNode(true);
    item.classList.add(`toast-${level}`);
    if (html === undefined) $(".toast-text", item).textContent = text;
    else $(".toast-text", item).innerHTML = html;
    for (const old of toasts.children) {
      if (old.className === item.className && old.textContent === item.textContent) old.remove();
    }
    toasts.append(item);
    leaveAfter(item);
  };
  if (toasts) {
    toasts.addEventListener("click", (event) => event.target.closest(".toast-close")?.parentElement.remove());
    for (const item of toasts.children) leaveAfter(item);
  }
  document.addEventListener("releval:toasts", (event) => {
    for (const { level, html } of event.detail.toasts) showToast(level, { html });
  });
  window.releval = { toast: (level, text) => showToast(level, { text }) };

  // Confirmations: data-confirm on a form, for plain posts and for htmx; data-confirm-mild where nothing is lost

  const dialog = $("#confirm");
  const ask = (element) =>
    new Promise((resolve) => {
      $("#confirm-text").textContent = element.dataset.confirm;
      const yes = $("#confirm-yes");
      const isMild = "confirmMild" in element.dataset;
      yes.textContent = element.dataset.confirmYes || "Yes";
      yes.classList.toggle("btn-primary", isMild);
      yes.classList.toggle("btn-danger", !isMild);
      dialog.returnValue = "no";
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
      dialog.showModal();
    });
  document.addEventListener("htmx:confirm", (event) => {
    const element = event.detail.elt;
    if (!element.dataset.confirm) return;
    event.preventDefault();
    ask(element).then((isSure) => {
      if (isSure) event.detail.issueRequest(true);
    });
  });

  // Plain forms: ask first where wanted; a double click sends once

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.hasAttribute("hx-post") || form.method === "dialog") return;
    if (form.dataset.confirm && !form.dataset.confirmed) {
      event.preventDefault();
      const submitter = event.submitter;
      ask(form).then((isSure) => {
        if (!isSure) return;
        form.dataset.confirmed = "yes";
        form.requestSubmit(submitter);
      });
      return;
    }
    if (!("once" in form.dataset)) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  // Back from the next page: the form may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  // A select that cuts a long name tells all of it to who points at it

  document.addEventListener("pointerover", ({ target }) => {
    if (target.localName === "select") target.title = target.selectedOptions[0]?.text.trim() ?? "";
  });

  // Copying: data-copy names the element whose text is wanted

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = $(button.dataset.copy);
    const selection = getSelection();
    selection.selectAllChildren(source);
    let isCopied = false;
    try {
      // The clipboard is there on https and localhost only.
      if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
      isCopied = navigator.clipboard ? true : document.execCommand("copy");
    } catch {
      isCopied = document.execCommand("copy");
    }
    if (!isCopied) {
      showToast("warning", { text: "The text is selected: copy it with Ctrl+C." });
      return;
    }
    const label = $("span", button) || button;
    const before = label.textContent;
    label.textContent = "Copied";
    setTimeout(() => {
      label.textContent = before;
    }, 2000);
  });

  // htmx

  // What need not be fresh while nobody looks does not ask.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (document.hidden && elt.matches("[data-visible-only]") && !elt.matches("[data-notices]")) event.preventDefault();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt } = event.detail;
    if ("resetOnError" in elt.dataset) elt.reset();
    if (xhr.getResponseHeader("HX-Trigger")?.includes("releval:toasts")) return; // it said so itself
    if (xhr.status === 403) showToast("error", { text: "This page has expired. Load it anew and try again." });
    else showToast("error", { text: `That did not work (${xhr.status}). The server's log has the details.` });
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () =>
      showToast("error", { text: "The server can't be reached. Trying again may help." }),
    );
  }
  // A fragment that was swapped in takes the focus where its predecessor held it, so keyboards stay where they are.
  let focused;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    focused = active?.id && event.detail.target?.contains(active) ? active.id : undefined;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
    focused = undefined;
  });

  // Exact times in the reader's own zone

  const localTimes = (within) => {
    for (const time of within.querySelectorAll?.("time[datetime]") || []) {
      time.title = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    }
  };
  document.addEventListener("htmx:load", (event) => localTimes(event.detail.elt));
  localTimes(document);
})();
