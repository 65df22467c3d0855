// Saves go out one after the other, so that the last key pressed counts. Rows and metric cards come back by id.

import { entryOf, saver } from "./elements.js";

const saves = new Map(); // how many are on their way, by row
const listeners = [];
let waiting = 0; // saves that are on their way

export const isSaving = () => waiting > 0;
export const isSavingRow = (candidatePk) => saves.get(candidatePk) > 0;

const setSaving = (candidatePks, change) => {
  for (const candidatePk of candidatePks) {
    saves.set(candidatePk, (saves.get(candidatePk) || 0) + change);
    entryOf(candidatePk)?.classList.toggle("is-saving", isSavingRow(candidatePk));
  }
};

export const save = (url, values, candidatePks) => {
  waiting += 1;
  setSaving(candidatePks, 1);
  // The rows go along to the event that ends the request.
  const context = { source: saver, target: saver, swap: "none", values: { ...values, rows: candidatePks.join(",") } };
  // That event tells of failures; a rejected promise would only tell the console once more.
  window.htmx.ajax("POST", url, context)?.catch(() => {});
};

// After each save, call `listener` with its rows and whether it went well.
export const onSaved = (listener) => listeners.push(listener);

saver?.addEventListener("htmx:afterRequest", (event) => {
  waiting = Math.max(0, waiting - 1);
  const candidatePks = String(event.detail.requestConfig.parameters.rows || "").split(",");
  setSaving(candidatePks, -1);
  for (const listener of listeners) listener({ candidatePks, isSaved: event.detail.successful });
});

addEventListener("beforeunload", (event) => {
  if (isSaving()) event.preventDefault();
});
