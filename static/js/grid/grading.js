// Grades given with a row's buttons, pressed or reached by a digit. A button's value is what the server takes (the fields
// of PersonGrade), and goes there as it is.

import { entryOf, isOpen, saver } from "./elements.js";
import { isSavingRow, onSaved, save } from "./saving.js";
import { select } from "./selection.js";

const buttons = (entry) => [...(entry?.querySelectorAll(".entry-grades button") ?? [])];

export const gradeButton = (entry, digit) => buttons(entry).find((button) => button.dataset.grade === digit);

// Shown as given until the row comes back with what was saved.
const mark = (entry, given) => {
  for (const button of buttons(entry)) button.classList.toggle("is-given", button === given);
};

export const give = (button) => {
  if (!isOpen) return;
  const entry = button.closest(".entry");
  mark(entry, button);
  save(saver.dataset.gradeUrl, { [button.name]: button.value }, [entry.dataset.candidatePk]);
};

document.addEventListener("submit", (event) => {
  if (event.target.id !== "give" || !event.submitter?.dataset.grade) return;
  event.preventDefault();
  select(event.submitter.closest(".entry"));
  give(event.submitter);
});

onSaved(({ candidatePks, isSaved }) => {
  if (isSaved) return;
  // The earlier value stands.
  for (const candidatePk of candidatePks) if (!isSavingRow(candidatePk)) mark(entryOf(candidatePk), undefined);
});
