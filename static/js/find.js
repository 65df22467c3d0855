// The search over everything: Ctrl+K, Cmd+K, "/" or the button open it; arrows choose, Enter opens, Escape goes back.
// Without it the button leads to a page that does the same.
(() => {
  const make = () => {
    const dialog = document.getElementById("find-template").content.firstElementChild.cloneNode(true);
    document.body.append(dialog);
    window.htmx.process(dialog);
    const text = dialog.querySelector("input");
    const found = dialog.querySelector(".find-found");
    const links = () => [...found.querySelectorAll("a")];
    const choose = (link) => {
      for (const each of links()) each.classList.toggle("is-chosen", each === link);
      if (link) text.setAttribute("aria-activedescendant", link.id);
      else text.removeAttribute("aria-activedescendant");
      link?.scrollIntoView({ block: "nearest" });
    };
    text.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const all = links();
      if (!by || event.isComposing || !all.length) return;
      event.preventDefault();
      const at = all.findIndex((each) => each.classList.contains("is-chosen"));
      choose(all[(at + by + all.length) % all.length]);
    });
    // Enter opens what is chosen; pressed before the answer to what was typed is there, the first of that answer.
    let shown, isAwaited;
    text.form.addEventListener("submit", (event) => {
      event.preventDefault();
      isAwaited = shown !== text.value;
      if (isAwaited) window.htmx.trigger(text, "releval:find");
      else found.querySelector(".is-chosen")?.click();
    });
    found.addEventListener("htmx:afterSwap", (event) => {
      shown = event.detail.requestConfig.parameters.q;
      choose(links()[0]);
      if (isAwaited && shown === text.value) links()[0]?.click();
      isAwaited = false;
    });
    // A click beside it closes it.
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    window.htmx.trigger(text, "releval:find");
    return dialog;
  };

  let dialog;
  const open = () => {
    if (document.querySelector("dialog[open]")) return;
    dialog ??= make();
    dialog.showModal();
    dialog.querySelector("input").select();
  };
  document.getElementById("find-open")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  const isTyping = (element) => element.closest?.("input, textarea, select, [contenteditable]");
  // On the window: what a page does with "/" itself comes first.
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const withControl = event.ctrlKey || event.metaKey;
    if (withControl ? event.key !== "k" : event.key !== "/" || isTyping(event.target)) return;
    event.preventDefault();
    open();
  });
})();
