// Details of a row: reasoning, fields, other opinions, read when they are opened.

import { review } from "./elements.js";

const link = (entry) => entry.querySelector(".entry-sub a, a.entry-more");

const detailOf = (entry) => {
  const known = entry.querySelector(".entry-detail");
  if (known) return known;
  const detail = document.createElement("div");
  detail.className = "entry-detail";
  detail.hidden = true;
  entry.append(detail);
  return detail;
};

export const toggleDetails = (entry, wanted) => {
  if (!entry || (wanted === false && !entry.classList.contains("is-open"))) return;
  const detail = detailOf(entry);
  const isShown = wanted ?? detail.hidden;
  detail.hidden = !isShown;
  entry.classList.toggle("is-open", isShown);
  entry.querySelector(".entry-more").setAttribute("aria-expanded", String(isShown));
  if (!isShown) return;
  // Read again each time: grades and opinions change.
  const context = { source: detail, target: detail, swap: "innerHTML" };
  // Events tell of failures; a rejected promise would only tell the console once more.
  return window.htmx.ajax("GET", link(entry).href, context)?.catch(() => {});
};

// One's own note, once the details were read.
export const noteField = (entry) => entry?.querySelector("[data-note] textarea");

review.addEventListener("click", (event) => {
  if (!event.target.closest(".entry-more, .entry-sub a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  toggleDetails(event.target.closest(".entry"));
});
