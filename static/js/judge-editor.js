// The editors of judges and evaluators: a click on a variable writes it at the cursor, "Show the line" selects a line of
// the template, a provider that has one model fills it in, and leaving with unsaved edits asks. Everything else is forms
// and htmx.
(() => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert], [data-line]");
    if (!button) return;
    const text = document.querySelector(button.dataset.into);
    text.focus();
    if (button.dataset.insert !== undefined) {
      text.setRangeText(button.dataset.insert, text.selectionStart, text.selectionEnd, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    const lines = text.value.split("\n");
    const number = Math.min(Number(button.dataset.line), lines.length);
    const start = lines.slice(0, number - 1).reduce((length, line) => length + line.length + 1, 0);
    text.setSelectionRange(start, start + lines[number - 1].length);
    // Long lines wrap, so the place is a guess; the selection itself is exact.
    text.scrollTop = (text.scrollHeight / lines.length) * Math.max(number - 4, 0);
  });

  document.addEventListener("click", (event) => {
    const stop = event.target.closest("[data-stop]");
    if (!stop) return;
    const asking = document.querySelector(stop.dataset.stop);
    if (asking) {
      htmx.trigger(asking, "htmx:abort");
      asking.remove();
    }
    stop.textContent = "Stopped";
    stop.disabled = true;
  });

  document.addEventListener("change", (event) => {
    const select = event.target.closest("select[data-fills]");
    if (!select) return;
    const model = document.querySelector(select.dataset.fills);
    const known = select.selectedOptions[0].dataset.model;
    const others = [...select.options].map((option) => option.dataset.model).filter(Boolean);
    if (known && !model.value.trim()) model.value = known;
    else if (!known && others.includes(model.value)) model.value = "";
  });

  // form[data-unsaved]: "yes" where the server sent back what could not be saved. What is tried beside it is no edit.

  const form = document.querySelector("form[data-unsaved]");
  const valuesOf = (choose) =>
    [...form.querySelectorAll("input:not([type=hidden]), select, textarea")]
      .filter((field) => !field.name.startsWith("try_"))
      .map((field) => `${field.name}=${choose(field)}`)
      .join("\0");
  const isSet = { checkbox: "checked", radio: "checked" };
  const now = (field) => (field.type in isSet ? field.checked : field.value);
  const before = (field) => {
    if (field.type in isSet) return field.defaultChecked;
    if (!field.options) return field.defaultValue;
    return ([...field.options].findLast((option) => option.defaultSelected) ?? field.options[0])?.value;
  };
  if (form) {
    // As the server wrote it, whatever the browser fills in again after a reload.
    const saved = valuesOf(before);
    let isSaving = false;
    document.addEventListener("submit", (event) => {
      const leaves = event.target === form || "confirmed" in event.target.dataset;
      if (leaves && !event.defaultPrevented) isSaving = true;
    });
    addEventListener("pageshow", () => {
      isSaving = false;
    });
    addEventListener("beforeunload", (event) => {
      if (!isSaving && (form.dataset.unsaved === "yes" || valuesOf(now) !== saved)) event.preventDefault();
    });
  }
})();
