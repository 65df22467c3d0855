// What every row gets from the page's template: grade buttons, a button that opens it, and words for its grades.

import { pkOf, review } from "./elements.js";

const template = document.getElementById("row-tools");
const labels = template.dataset.labels.split("|");

const addTools = (row) => {
  const entry = row.parentElement;
  const box = row.querySelector("input[name=seen]");
  const title = row.querySelector(".entry-title").textContent;
  const rank = row.querySelector("span").textContent;
  // Ranks are hidden where people are to grade blind.
  const place = /\d/.test(rank) ? `rank ${rank}` : "";
  const tools = template.content.cloneNode(true);
  for (const button of tools.querySelectorAll("[data-grade]")) {
    const { grade } = button.dataset;
    // As the server takes it (the fields of PersonGrade). The AI's grade was seen where the box holds one.
    const given = { candidate_pk: Number(pkOf(entry)), grade: Number(grade), saw_ai_grade: !box.value.endsWith(":") };
    button.value = JSON.stringify([given]);
    button.setAttribute("aria-pressed", String(grade === row.dataset.mine));
  }
  const more = tools.querySelector(".entry-more");
  more.setAttribute("aria-label", `Details of ${place || title}`);
  more.setAttribute("aria-expanded", String(entry.classList.contains("is-open")));
  box?.setAttribute("aria-label", `Choose ${place && `${place}, `}${title}`);
  for (const grade of row.querySelectorAll("b[class]")) grade.title = labels[Number(grade.textContent)];
  for (const person of row.querySelectorAll(".entry-people > span"))
    person.title ||= person.childNodes[1].textContent.trim();
  row.querySelector(".entry-sub a").tabIndex = -1;
  if (!entry.hasAttribute("tabindex")) entry.tabIndex = -1;
  row.append(tools);
};

export const addRowTools = () => {
  for (const row of review.querySelectorAll(".entry-row:not(:has(> .entry-more))")) addTools(row);
};

// A row that comes back from a save.
document.addEventListener("htmx:oobAfterSwap", addRowTools);
