// Keys: digits grade the selected row and move on, letters and arrows do the rest. ? lists them (_keys.html).

import { chooseSelected, confirmSelected } from "./choosing.js";
import { toggleDetails } from "./details.js";
import { give, gradeButton } from "./grading.js";
import { selected, step } from "./selection.js";
import { undo } from "./undo.js";

const list = document.getElementById("keys");

const acts = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  j: () => step(1),
  k: () => step(-1),
  r: () => toggleDetails(selected()),
  u: undo,
  c: confirmSelected,
  x: chooseSelected,
  "/": () => document.getElementById("grid-search").focus(),
  "?": () => list.showModal(),
};
const mayRepeat = new Set(["ArrowDown", "ArrowUp", "j", "k"]);

const isTyping = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open], details[data-menu][open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "Escape") {
    toggleDetails(selected(), false);
    return;
  }
  const button = gradeButton(selected(), event.key);
  if (!button && !Object.hasOwn(acts, event.key)) return;
  if (event.repeat && !mayRepeat.has(event.key)) return;
  event.preventDefault();
  if (button) {
    give(button);
    step(1);
  } else {
    acts[event.key]();
  }
});

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => list.showModal());
}
