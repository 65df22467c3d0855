// The review grid: choosing rows and grading by key, saving one grade at a time, undo, details on demand.
// Without it the grade buttons are plain submit buttons, and the details are links.
(() => {
  const review = document.getElementById("review");
  if (!review) return;
  const saver = document.getElementById("saver");
  const bulk = document.getElementById("confirm-grades");
  const keys = document.getElementById("keys");
  const isOpen = "open" in review.dataset && saver !== null;
  const maxGrade = Number(review.dataset.maxGrade);
  let selectedId;
  let waiting = 0; // saves that are on their way
  let undos = []; // what was before, newest last
  let wantedUndos = 0; // asked for while a save was on its way

  const entries = () => [...review.querySelectorAll(".entry")];
  const entryOf = (id) => document.getElementById(`entry-${id}`);
  const selected = () => entryOf(selectedId);

  // The selected row

  const select = (entry, { focus = true } = {}) => {
    if (!entry) return;
    const before = selected();
    if (before) {
      before.removeAttribute("aria-current");
      before.tabIndex = -1;
    }
    selectedId = entry.dataset.id;
    entry.setAttribute("aria-current", "true");
    entry.tabIndex = 0;
    if (!focus) return;
    entry.focus({ preventScroll: true });
    entry.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const all = entries();
    const at = all.indexOf(selected());
    const next = all[at < 0 ? 0 : at + by];
    if (next) select(next);
    else if (by > 0) review.querySelector("a[rel=next]")?.focus();
  };

  // Saving: one after the other, so that the last key pressed counts. Rows and metric cards come back by id.

  const under = new Map(); // saves on their way, by row
  // Events tell of failures; a rejected promise would only tell the console once more.
  const ask = (verb, url, context) => window.htmx.ajax(verb, url, context)?.catch(() => {});
  const setBusy = (ids, isBusy) => {
    for (const id of ids) {
      under.set(id, (under.get(id) || 0) + (isBusy ? 1 : -1));
      entryOf(id)?.classList.toggle("is-saving", under.get(id) > 0);
    }
  };
  const mark = (id, grade) => {
    for (const button of entryOf(id)?.querySelectorAll(".entry-grades button") ?? []) {
      button.classList.toggle("is-given", button.textContent.trim() === String(grade));
    }
  };
  const send = (url, values, ids) => {
    waiting += 1;
    setBusy(ids, true);
    // The ids go along to the event that ends the request.
    ask("POST", url, { source: saver, target: saver, swap: "none", values: { ...values, rows: ids.join(",") } });
  };
  const sawOf = (entry) => entry.querySelector(".entry-grades button").value.split(":")[2];
  const give = (entry, grade) => {
    if (!isOpen) return;
    mark(entry.dataset.id, grade);
    send(saver.dataset.gradeUrl, { give: `${entry.dataset.id}:${grade}:${sawOf(entry)}` }, [entry.dataset.id]);
  };
  const undo = () => {
    if (!isOpen) return;
    if (waiting) {
      wantedUndos += 1;
      return;
    }
    const before = undos.pop();
    if (!before) {
      window.releval.toast("info", "There is nothing to undo on this page.");
      return;
    }
    const ids = before.map(([id]) => String(id));
    select(entryOf(ids[0]));
    send(saver.dataset.restoreUrl, { grades: JSON.stringify(before) }, ids);
    undoing = before;
  };
  let undoing;

  if (saver) {
    saver.addEventListener("releval:graded", (event) => undos.push(event.detail.before));
    saver.addEventListener("htmx:afterRequest", (event) => {
      waiting = Math.max(0, waiting - 1);
      const ids = String(event.detail.requestConfig.parameters.rows || "").split(",");
      setBusy(ids, false);
      if (!event.detail.successful) {
        for (const id of ids) if (!under.get(id)) mark(id, undefined); // the earlier value stands
        if (undoing) undos.push(undoing);
      }
      undoing = undefined;
      if (!waiting && wantedUndos) {
        wantedUndos -= 1;
        undo();
      }
    });
    addEventListener("beforeunload", (event) => {
      if (waiting) event.preventDefault();
    });
  }

  // The mouse, and buttons by keyboard

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target.id === "give" && button?.name === "give") {
      event.preventDefault();
      const entry = button.closest(".entry");
      select(entry);
      give(entry, button.textContent.trim());
    }
    if (event.target === bulk) {
      event.preventDefault();
      const seen = chosen().map((box) => box.value);
      if (seen.length)
        send(
          saver.dataset.confirmUrl,
          { seen },
          seen.map((value) => value.split(":")[0]),
        );
      for (const box of chosen()) box.checked = false;
      countChosen();
      selected()?.focus({ preventScroll: true });
    }
  });
  review.addEventListener("click", (event) => {
    const entry = event.target.closest(".entry");
    const more = event.target.closest("[data-more]");
    if (more) {
      event.preventDefault();
      toggle(entry);
    }
    if (entry && !event.target.closest("button, input, label, .entry-detail")) select(entry);
  });

  // Details

  const toggle = (entry, wanted) => {
    const detail = entry?.querySelector(".entry-detail");
    if (!detail) return;
    const isShown = wanted ?? detail.hidden;
    detail.hidden = !isShown;
    entry.classList.toggle("is-open", isShown);
    if (isShown) {
      // Read anew each time: grades and opinions change.
      ask("GET", entry.querySelector("[data-more]").href, { source: detail, target: detail, swap: "innerHTML" });
    }
  };

  // Choosing rows for "Confirm AI grade"

  const chosen = () => [...review.querySelectorAll("input[name=seen]:checked")];
  const countChosen = () => {
    if (!bulk) return;
    const count = chosen().length;
    bulk.hidden = !count;
    bulk.querySelector(".bulk-count").textContent = count === 1 ? "1 row chosen" : `${count} rows chosen`;
    const all = review.querySelector("[data-choose-all]");
    if (all) all.checked = count > 0 && !review.querySelector("input[name=seen]:not(:checked):not(:disabled)");
  };
  const choose = (boxes, isChosen) => {
    for (const box of boxes) if (!box.disabled) box.checked = isChosen;
    countChosen();
  };
  review.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose-all]"))
      choose(review.querySelectorAll("input[name=seen]"), event.target.checked);
    else if (event.target.name === "seen") countChosen();
  });
  bulk?.querySelector("[data-clear]").addEventListener("click", () => {
    choose(chosen(), false);
    selected()?.focus();
  });

  // Keys

  const isTyping = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const confirmOne = () => {
    const box = selected()?.querySelector("input[name=seen]");
    if (!box) return;
    if (box.disabled) {
      window.releval.toast("info", "The AI has not graded this row.");
      return;
    }
    send(saver.dataset.confirmUrl, { seen: [box.value] }, [selectedId]);
    step(1);
  };
  const acts = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    j: () => step(1),
    k: () => step(-1),
    r: () => toggle(selected()),
    u: undo,
    c: () => {
      if (isOpen) confirmOne();
    },
    x: () => {
      const box = selected()?.querySelector("input[name=seen]");
      if (box) choose([box], !box.checked);
    },
    "/": () => document.getElementById("grid-search").focus(),
    "?": () => keys.showModal(),
  };
  const mayRepeat = new Set(["ArrowDown", "ArrowUp", "j", "k"]);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || document.querySelector("details[data-menu][open]")) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "Escape") {
      toggle(selected(), false);
      return;
    }
    const isGrade = /^[0-9]$/.test(event.key) && Number(event.key) <= maxGrade;
    if (!isGrade && !Object.hasOwn(acts, event.key)) return;
    if (event.repeat && !mayRepeat.has(event.key)) return;
    event.preventDefault();
    if (!isGrade) acts[event.key]();
    else if (selected()) {
      give(selected(), event.key);
      if (isOpen) step(1);
    }
  });
  for (const button of document.querySelectorAll("[data-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => keys.showModal());
  }

  // Filtering

  const filter = document.getElementById("grid-filter");
  filter.addEventListener("htmx:configRequest", (event) => {
    // Questions left open do not belong in the address.
    for (const name of [...event.detail.formData.keys()])
      if (!event.detail.formData.get(name)) event.detail.formData.delete(name);
  });
  const begin = () => {
    undos = [];
    selectedId = undefined;
    for (const hidden of review.querySelectorAll("[data-choose-all], [data-clear]")) hidden.hidden = false;
    select(entries()[0], { focus: false });
    countChosen();
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "grid") begin();
  });
  document.addEventListener("htmx:oobAfterSwap", countChosen);

  // An image that can't be had leaves no hole. Errors do not bubble.
  document.addEventListener(
    "error",
    (event) => {
      if (event.target.matches?.("img.thumb")) event.target.hidden = true;
    },
    true,
  );

  begin();
})();
