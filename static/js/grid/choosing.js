// Rows chosen for "Confirm AI grade", and the same for one row by key.

import { isOpen, review, saver } from "./elements.js";
import { save } from "./saving.js";
import { selected, step } from "./selection.js";

const form = document.getElementById("confirm-grades");

const boxOf = (entry) => entry?.querySelector("input[name=seen]");
const chosen = () => [...review.querySelectorAll("input[name=seen]:checked")];
const candidatePkOf = (box) => box.closest(".entry").dataset.candidatePk;

export const countChosen = () => {
  if (!form) return;
  const count = chosen().length;
  form.hidden = !count;
  form.querySelector(".bulk-count").textContent = count === 1 ? "1 row chosen" : `${count} rows chosen`;
  const all = review.querySelector("[data-choose-all]");
  if (all) all.checked = count > 0 && !review.querySelector("input[name=seen]:not(:checked):not(:disabled)");
};

const choose = (boxes, isChosen) => {
  for (const box of boxes) if (!box.disabled) box.checked = isChosen;
  countChosen();
};

const confirm = (boxes) => {
  const seen = boxes.map((box) => box.value);
  if (seen.length) save(saver.dataset.confirmUrl, { seen }, boxes.map(candidatePkOf));
};

export const chooseSelected = () => {
  const box = boxOf(selected());
  if (box) choose([box], !box.checked);
};

export const confirmSelected = () => {
  const box = boxOf(selected());
  if (!isOpen || !box) return;
  if (box.disabled) {
    window.releval.toast("info", "The AI has not graded this row.");
    return;
  }
  confirm([box]);
  step(1);
};

// What needs scripts is hidden in every list that arrives.
export const showChoosing = () => {
  for (const hidden of review.querySelectorAll("[data-choose-all], [data-clear]")) hidden.hidden = false;
  countChosen();
};

review.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose-all]")) {
    choose(review.querySelectorAll("input[name=seen]"), event.target.checked);
  } else if (event.target.name === "seen") {
    countChosen();
  }
});

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  confirm(chosen());
  choose(chosen(), false);
  selected()?.focus({ preventScroll: true });
});

form?.querySelector("[data-clear]").addEventListener("click", () => {
  choose(chosen(), false);
  selected()?.focus();
});

// Rows that come back from a save come unchosen.
document.addEventListener("htmx:oobAfterSwap", countChosen);
