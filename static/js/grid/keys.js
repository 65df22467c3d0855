// The keys of the review grid. ? lists them (_keys.html).

import { chooseOnTheWay, chooseSelected, confirmSelected } from "./choosing.js";
import { toggleDetails } from "./details.js";
import { showImage } from "./images.js";
import { listen } from "./keyboard.js";
import { openNote } from "./notes.js";
import { selected, step } from "./selection.js";
import { undo } from "./undo.js";

listen(
  {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    J: () => chooseOnTheWay(1),
    K: () => chooseOnTheWay(-1),
    "Shift ArrowDown": () => chooseOnTheWay(1),
    "Shift ArrowUp": () => chooseOnTheWay(-1),
    e: openNote,
    r: () => toggleDetails(selected()),
    i: showImage,
    u: undo,
    c: confirmSelected,
    x: chooseSelected,
    "/": () => document.getElementById("grid-search").focus(),
  },
  new Set(["ArrowDown", "ArrowUp", "j", "k", "Shift ArrowDown", "Shift ArrowUp", "J", "K"]),
);
