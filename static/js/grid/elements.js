// What several modules of the review grid look at.

export const review = document.getElementById("review");
// Where saves come from; there is none where the run takes no grades.
export const saver = document.getElementById("saver");
export const isOpen = "open" in review.dataset && saver !== null;
export const entryOf = (candidatePk) => document.getElementById(`entry-${candidatePk}`);
export const pkOf = (entry) => entry.id.slice("entry-".length);
