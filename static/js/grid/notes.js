// One's own note in the details of the selected row: e opens it, Ctrl or Cmd with Enter saves it, Esc leaves it.

import { noteField, toggleDetails } from "./details.js";
import { isOpen, review } from "./elements.js";
import { give, givenButton } from "./grading.js";
import { select, selected } from "./selection.js";

export const openNote = async () => {
  const entry = selected();
  if (!isOpen || !entry) return;
  await toggleDetails(entry, true);
  noteField(entry)?.focus();
};

const saveNote = (entry) => {
  select(entry);
  const button = givenButton(entry);
  if (button) give(button);
  else window.releval.toast("info", "Now grade the row: your note is saved with the grade.");
};

review.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-note]")) return;
  event.preventDefault();
  saveNote(event.target.closest(".entry"));
});

review.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.matches("[data-note] textarea") || event.isComposing) return;
  const entry = field.closest(".entry");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    saveNote(entry);
  } else if (event.key === "Escape") {
    event.preventDefault();
    field.value = field.defaultValue;
    toggleDetails(entry, false);
    select(entry);
  }
});
