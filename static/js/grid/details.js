// Details of a row: reasoning, fields, other opinions, read when they are opened.

import { review } from "./elements.js";

export const toggleDetails = (entry, wanted) => {
  const detail = entry?.querySelector(".entry-detail");
  if (!detail) return;
  const isShown = wanted ?? detail.hidden;
  detail.hidden = !isShown;
  entry.classList.toggle("is-open", isShown);
  if (!isShown) return;
  // Read again each time: grades and opinions change.
  const context = { source: detail, target: detail, swap: "innerHTML" };
  // Events tell of failures; a rejected promise would only tell the console once more.
  return window.htmx.ajax("GET", entry.querySelector("[data-more]").href, context)?.catch(() => {});
};

// One's own note, once the details were read.
export const noteField = (entry) => entry?.querySelector("[data-note] textarea");

review.addEventListener("click", (event) => {
  if (!event.target.closest("[data-more]")) return;
  event.preventDefault();
  toggleDetails(event.target.closest(".entry"));
});
