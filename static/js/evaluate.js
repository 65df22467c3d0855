// The Evaluate page: two presses of a digit, and a few letters. Without it every grade is a plain submit button.
(() => {
  const root = () => document.getElementById("evaluate");
  if (!root()) return;
  let marked; // the grade that a first press chose

  const buttons = () => [...root().querySelectorAll(".judge-grade")];
  const mark = (button) => {
    marked = button;
    for (const each of buttons()) each.classList.toggle("is-marked", each === button);
  };
  const isBusy = () => root().querySelector("form.htmx-request, a.htmx-request") !== null;
  const cantTell = () => document.getElementById("cant-tell");
  const close = () => {
    mark(undefined);
    if (cantTell()?.open) {
      cantTell().open = false;
      cantTell().querySelector("summary").focus();
    }
  };
  const note = () => document.getElementById("note");
  const press = (id) => document.getElementById(id)?.click();
  const acts = {
    s: () => press("skip"),
    // Before a grade is given, the next unrated one is what skipping leads to.
    n: () => press(document.getElementById("next-unrated") ? "next-unrated" : "skip"),
    p: () => press("previous"),
    t: () => {
      if (!cantTell()) return;
      cantTell().open = true;
      document.getElementById("cant-tell-reason").focus();
    },
    e: () => note()?.focus(),
    g: () => {
      const guidelines = document.getElementById("guidelines");
      guidelines.open = !guidelines.open;
      if (guidelines.open) guidelines.scrollIntoView({ block: "nearest" });
    },
  };

  root().parentElement.addEventListener("keydown", (event) => {
    if (event.target !== note() || event.isComposing) return;
    const submits = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (!submits && event.key !== "Escape") return;
    event.preventDefault();
    note().blur();
    const given = buttons().find((button) => button.getAttribute("aria-pressed") === "true");
    if (submits && !isBusy()) (marked ?? given)?.click();
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.repeat)
      return;
    if (document.querySelector("dialog[open], details[data-menu][open]")) return;
    if (event.key === "Escape") {
      close();
      return;
    }
    if (event.target.closest?.("input, textarea, select, [contenteditable]") || isBusy()) return;
    if (event.key === "Enter") {
      // A focused button or link does what it says.
      if (marked && !event.target.closest?.("a, button, summary")) {
        event.preventDefault();
        marked.click();
      }
      return;
    }
    if (/^[0-9]$/.test(event.key)) {
      const button = buttons().find((each) => each.value === event.key);
      if (!button) return;
      event.preventDefault();
      if (button === marked) button.click();
      else mark(button);
    } else if (Object.hasOwn(acts, event.key)) {
      event.preventDefault();
      acts[event.key]();
    }
  });

  // The next candidate begins unmarked, with the focus on its query.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "evaluate") return;
    marked = undefined;
    document.getElementById("judge-query")?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful && event.detail.requestConfig.verb === "post") mark(marked);
  });
  document.addEventListener(
    "error",
    (event) => {
      if (event.target.matches?.("img.thumb")) event.target.hidden = true;
    },
    true,
  );

  // On a phone the candidate comes first; the side is there to open.
  if (matchMedia("(max-width: 62rem)").matches) {
    for (const details of document.querySelectorAll(".evaluate-side details")) details.open = false;
  }
})();
