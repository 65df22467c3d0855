// A row's image larger, in a dialog: by click or by key. The arrow keys go to the images around it.

import { review } from "./elements.js";
import { select, selected } from "./selection.js";

const dialog = document.getElementById("larger-image");
const picture = dialog.querySelector("img");
const thumbnail = (entry) => entry?.querySelector(".entry-doc > img:not([hidden])");

const show = (entry) => {
  const title = entry.querySelector(".entry-title").textContent;
  picture.src = thumbnail(entry).src;
  picture.alt = title;
  dialog.querySelector("p").textContent = title;
  select(entry, { focus: false });
  if (!dialog.open) dialog.showModal();
};

export const showImage = () => {
  const entry = selected();
  if (thumbnail(entry)) show(entry);
  else if (entry) window.releval.toast("info", "This row has no image.");
};

dialog.addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const all = [...review.querySelectorAll(".entry")].filter(thumbnail);
  const next = all[all.indexOf(selected()) + by];
  if (next) show(next);
});

// Focus goes back to the row whose image was seen last.
dialog.addEventListener("close", () => select(selected()));

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

review.addEventListener("click", (event) => {
  if (event.target.closest(".entry-doc > img, .detail-image")) show(event.target.closest(".entry"));
});
