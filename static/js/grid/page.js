// The review grid: each module here sees to one thing, and this one to what happens when a list arrives.
// Without them a row's details are a page of their own, and that one has the grades.

import { showChoosing } from "./choosing.js";
import "./keys.js";
import { addRowTools } from "./row-tools.js";
import { onSaved } from "./saving.js";
import { select, selected, selectFirst } from "./selection.js";
import { forgetUndos } from "./undo.js";

const begin = () => {
  addRowTools();
  forgetUndos();
  selectFirst();
  showChoosing();
};

const filter = document.getElementById("grid-filter");
let isOutdated = false; // something was saved since the list was asked for

onSaved(() => (isOutdated = true));

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target?.id !== "grid") return;
  begin();
  if (isOutdated) window.htmx.trigger(filter, "submit");
});

filter.addEventListener("htmx:configRequest", (event) => {
  isOutdated = false;
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
    if (event.target.matches?.("img.thumb, .entry-doc > img")) event.target.hidden = true;
  },
  true,
);

begin();
