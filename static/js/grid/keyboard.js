// Keys on rows: digits grade the selected one and move on, `acts` are the rest by key. ? lists them, as does the button.

import { toggleDetails } from "./details.js";
import { give, gradeButton } from "./grading.js";
import { selected, step } from "./selection.js";

const list = document.getElementById("keys");
// Why nothing can be graded here, where nothing can.
const closed = document.querySelector("[data-closed]");

const isTyping = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

// Keys of `mayRepeat` go on while they are held down.
export const listen = (given, mayRepeat) => {
  const acts = { ...given, "?": () => list.showModal() };
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
    // Letters and signs say Shift themselves.
    const key = event.shiftKey && event.key.length > 1 ? `Shift ${event.key}` : event.key;
    const button = gradeButton(selected(), key);
    if (!button && closed && /^[0-9]$/.test(key)) window.releval.toast("info", closed.innerText.trim());
    if (!button && !Object.hasOwn(acts, key)) return;
    if (event.repeat && !mayRepeat.has(key)) return;
    event.preventDefault();
    if (button) {
      give(button);
      step(1);
    } else {
      acts[key]();
    }
  });
};

for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", () => list.showModal());
}
