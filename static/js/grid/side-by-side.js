// Two ranked lists next to each other: the modules of the review grid, with keys between lists and between queries.

import { toggleDetails } from "./details.js";
import { entryOf, review } from "./elements.js";
import { listen } from "./keyboard.js";
import { openNote } from "./notes.js";
import { select, selected, step } from "./selection.js";
import { undo } from "./undo.js";

// To the same document in the other list, and where that has it not, to the same place.
const cross = (side) => {
  const entry = selected();
  const list = review.querySelector(`[data-list="${side}"]`);
  if (!entry || !list || list.contains(entry)) return;
  const place = [...entry.parentElement.children].indexOf(entry);
  const { otherPk } = entry.dataset;
  select((otherPk && entryOf(otherPk)) || list.children[Math.min(place, list.children.length - 1)]);
};

const go = (rel) => review.querySelector(`a[rel=${rel}]`)?.click();

listen(
  {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    ArrowLeft: () => cross("a"),
    ArrowRight: () => cross("b"),
    h: () => cross("a"),
    l: () => cross("b"),
    n: () => go("next"),
    p: () => go("prev"),
    e: openNote,
    r: () => toggleDetails(selected()),
    u: undo,
  },
  new Set(["ArrowDown", "ArrowUp", "j", "k"]),
);

// The newer list first: what is new there is what is to be graded.
select(review.querySelector('[data-list="b"] .entry') ?? review.querySelector(".entry"), { focus: false });
