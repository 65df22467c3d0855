// Grades given with a row's buttons, pressed or reached by a digit. A button's value is what the server takes (the fields
// of PersonGrade), and goes there as it is.

import { noteField, toggleDetails } from "./details.js";
import { entryOf, isOpen, pkOf, saver } from "./elements.js";
import { isSavingRow, onSaved, save } from "./saving.js";
import { select } from "./selection.js";

const sent = new Set(); // fields whose notes are on their way

const buttons = (entry) => [...(entry?.querySelectorAll(".entry-grades button") ?? [])];

export const gradeButton = (entry, digit) => buttons(entry).find((button) => button.dataset.grade === digit);

// The grade that the row has, or soon will.
export const givenButton = (entry) =>
  entry?.querySelector(".entry-grades .is-given") ?? entry?.querySelector(".entry-grades [aria-pressed=true]");

// Shown as given until the row comes back with what was saved.
const mark = (entry, given) => {
  for (const button of buttons(entry)) button.classList.toggle("is-given", button === given);
};

export const give = (button) => {
  if (!isOpen) return;
  const entry = button.closest(".entry");
  mark(entry, button);
  const values = { [button.name]: button.value };
  const field = noteField(entry);
  if (field && field.value !== field.defaultValue) {
    values.note = field.value;
    sent.add(field);
  }
  save(saver.dataset.gradeUrl, values, [pkOf(entry)]);
};

document.addEventListener("submit", (event) => {
  if (event.target.id !== "give" || !event.submitter?.dataset.grade) return;
  event.preventDefault();
  select(event.submitter.closest(".entry"));
  give(event.submitter);
});

onSaved(({ candidatePks, isSaved }) => {
  for (const entry of candidatePks.map(entryOf)) {
    // What was not saved stays where it was typed.
    if (sent.delete(noteField(entry)) && isSaved) toggleDetails(entry, false);
  }
  if (isSaved) return;
  // The earlier value stands.
  for (const candidatePk of candidatePks) if (!isSavingRow(candidatePk)) mark(entryOf(candidatePk), undefined);
});
