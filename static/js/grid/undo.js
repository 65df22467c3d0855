// Undo: each save answers what one's grades were before, and undoing sends that back as it came.

import { entryOf, isOpen, saver } from "./elements.js";
import { isSaving, onSaved, save } from "./saving.js";
import { select } from "./selection.js";

let undos = []; // what was before, newest last
let undoing; // what is on its way back
let wanted = 0; // asked for while a save was on its way

export const forgetUndos = () => {
  undos = [];
};

export const undo = () => {
  if (!isOpen) return;
  if (isSaving()) {
    wanted += 1;
    return;
  }
  undoing = undos.pop();
  const confirmed = document.getElementById("undo-confirmed");
  if (!undoing && confirmed) {
    confirmed.requestSubmit();
    return;
  }
  if (!undoing) {
    window.releval.toast("info", "There is nothing to undo on this page.");
    return;
  }
  const candidatePks = undoing.map((grade) => String(grade.candidate_pk));
  select(entryOf(candidatePks[0]));
  save(saver.dataset.restoreUrl, { grades: JSON.stringify(undoing) }, candidatePks);
};

// Messages offer it, too.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-undo]")) return;
  event.target.closest(".toast-item").remove();
  undo();
});

saver?.addEventListener("releval:graded", (event) => undos.push(event.detail.before));

onSaved(({ isSaved }) => {
  if (undoing && !isSaved) undos.push(undoing);
  undoing = undefined;
  if (!isSaving() && wanted) {
    wanted -= 1;
    undo();
  }
});
