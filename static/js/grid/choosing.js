// Rows chosen for "Confirm AI grade", and the same for one row by key.

import { isOpen, pkOf, review, saver } from "./elements.js";
import { save } from "./saving.js";
import { entries, onSelected, select, selected, step } from "./selection.js";

const form = document.getElementById("chosen");
const confirmButton = form?.querySelector("[data-confirm-chosen]");
const toChosen = form?.querySelector("[data-to-chosen]");

const boxOf = (entry) => entry?.querySelector("input[name=seen]");
const chosen = () => [...review.querySelectorAll("input[name=seen]:checked")];
const candidatePkOf = (box) => pkOf(box.closest(".entry"));

export const countChosen = () => {
  if (!form) return;
  const count = chosen().length;
  form.hidden = !count;
  toChosen.hidden = !count;
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

// Ranges: from the row where the last one began, as long as the selection stands where that one ended.

let range = {};
const rangeStart = () => (range.end === selected() && range.start?.isConnected ? range.start : selected());

const chooseRange = (start, end, isChosen = true) => {
  const all = entries();
  const [first, last] = [all.indexOf(start), all.indexOf(end)].sort((a, b) => a - b);
  if (first >= 0)
    choose(
      all
        .slice(first, last + 1)
        .map(boxOf)
        .filter(Boolean),
      isChosen,
    );
  range = { start, end };
};

export const chooseOnTheWay = (by) => {
  const [start, before] = [rangeStart(), selected()];
  if (!start || !boxOf(start)) return;
  const far = (entry) => Math.abs(entries().indexOf(entry) - entries().indexOf(start));
  step(by);
  // Back towards the start: the row left behind is given up.
  if (far(selected()) < far(before)) choose([boxOf(before)], false);
  chooseRange(start, selected());
};

// Before the click selects: the range starts at the row that was selected until then.
review.addEventListener(
  "click",
  (event) => {
    const entry = event.target.closest(".entry");
    if (!event.shiftKey || !boxOf(entry) || event.target.closest("a, button, .entry-detail")) return;
    const start = rangeStart();
    chooseRange(start, entry, event.target.matches("input") ? event.target.checked : true);
    select(entry);
  },
  true,
);
review.addEventListener("mousedown", (event) => {
  // Shift would mark text between the clicks.
  if (form && event.shiftKey && event.target.closest(".entry-row")) event.preventDefault();
});

// Tab leads from the selected row over its own box to the bar: the boxes of the others are left out.

const showTabStops = () => {
  for (const box of review.querySelectorAll("input[name=seen]")) box.tabIndex = box === boxOf(selected()) ? 0 : -1;
};

onSelected((entry) => {
  showTabStops();
  if (toChosen) entry.append(toChosen);
});

toChosen?.addEventListener("click", () => confirmButton.focus());

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
  showTabStops();
};

review.addEventListener("change", (event) => {
  if (event.target.matches("[data-choose-all]")) {
    choose(review.querySelectorAll("input[name=seen]"), event.target.checked);
  } else if (event.target.name === "seen") {
    // What one chooses by hand is where a range begins.
    select(event.target.closest(".entry"), { focus: false });
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
document.addEventListener("htmx:oobAfterSwap", () => {
  countChosen();
  showTabStops();
});
