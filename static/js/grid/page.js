// The review grid: each module here sees to one thing, and this one to what happens when a list arrives.
// Without them the grade buttons are plain submit buttons, and the details are links.

import { showChoosing } from "./choosing.js";
import "./keys.js";
import { select, selected, selectFirst } from "./selection.js";
import { forgetUndos } from "./undo.js";

const begin = () => {
  forgetUndos();
  selectFirst();
  showChoosing();
};

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id === "grid") begin();
});

document.getElementById("grid-filter").addEventListener("htmx:configRequest", (event) => {
  // Questions left open do not belong in the address.
  const { formData } = event.detail;
  for (const name of [...formData.keys()]) if (!formData.get(name)) formData.delete(name);
});

document.querySelector("[data-to-rows]").addEventListener("click", (event) => {
  if (!selected()) return;
  event.preventDefault();
  select(selected());
});

// An image that can't be had leaves no hole. Errors do not bubble.
document.addEventListener(
  "error",
  (event) => {
    if (event.target.matches?.("img.thumb")) event.target.hidden = true;
  },
  true,
);

begin();
