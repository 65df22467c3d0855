// The selected row: one at a time, it has the focus, keys act on it.

import { entryOf, pkOf, review } from "./elements.js";

let selectedPk;
const listeners = [];

// After each change, call `listener` with the row selected.
export const onSelected = (listener) => listeners.push(listener);

// Where lists stand next to each other, those of the list that one is in.
export const entries = () => [...(entryOf(selectedPk)?.closest("[data-list]") ?? review).querySelectorAll(".entry")];

export const selected = () => entryOf(selectedPk);

export const select = (entry, { focus = true } = {}) => {
  if (!entry) return;
  const before = selected();
  if (before) {
    before.removeAttribute("aria-current");
    before.tabIndex = -1;
  }
  selectedPk = pkOf(entry);
  entry.setAttribute("aria-current", "true");
  entry.tabIndex = 0;
  for (const listener of listeners) listener(entry);
  if (!focus) return;
  entry.focus({ preventScroll: true });
  entry.scrollIntoView({ block: "nearest" });
};

export const selectFirst = () => {
  selectedPk = undefined;
  select(entries()[0], { focus: false });
};

export const step = (by) => {
  const all = entries();
  const at = all.indexOf(selected());
  const next = all[at < 0 ? 0 : at + by];
  if (next) select(next);
  else if (by > 0) review.querySelector("a[rel=next]")?.focus();
};

review.addEventListener("click", (event) => {
  if (!event.target.closest("button, input, label, .entry-detail")) select(event.target.closest(".entry"));
});
