// What the pages of evaluations and runs add: live parts that say when the connection is lost, and imports.
// Everything works without it, except that a lost connection goes unnoticed and an upload shows no progress.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);

  // Live parts: [data-live] polls; when that fails, the part itself says so until the next answer replaces it

  const onLost = (event) => {
    const { elt } = event.detail;
    if (!elt.matches("[data-live], #watch")) return;
    // It asks again in a second: a message of its own each time would pile up.
    event.stopPropagation();
    const message = $(".live-lost", elt);
    if (message) message.hidden = false;
    elt.classList.add("is-lost");
  };
  for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"])
    document.addEventListener(name, onLost, true);

  // A button that is replaced between press and release is not clicked: the answer waits for the next second.
  let held = false;
  document.addEventListener("pointerdown", (event) => {
    held = !!event.target.closest("[data-live]");
  });
  for (const name of ["pointerup", "pointercancel"])
    document.addEventListener(name, () => {
      setTimeout(() => {
        held = false;
      });
    });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (held && event.detail.requestConfig?.elt.matches("[data-live]")) event.detail.shouldSwap = false;
  });

  document.addEventListener("change", (event) => event.target.closest("form[data-submit-on-change]")?.requestSubmit());

  // Tags: one box chooses all queries of the page

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-choose-queries]")) return;
    for (const box of document.querySelectorAll('[form="tag-queries"]')) box.checked = event.target.checked;
  });

  // "Run AI Judge": when its form opens, the focus goes into it; when it closes, Escape does that, too, back to the button

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.requestConfig?.target?.id !== "start") return;
    const start = $("#start");
    // Somebody who has gone elsewhere meanwhile stays there.
    if (!start || (document.activeElement !== document.body && !start.contains(document.activeElement))) return;
    const fields = [...start.querySelectorAll("select, input:not([type=hidden])")].filter((field) => !field.disabled);
    const wrong = fields.find((field) => field.getAttribute("aria-invalid") === "true");
    (wrong ?? fields[0] ?? $("a[href], button", start))?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || $("dialog[open]")) return;
    event.target.closest?.("#start-form")?.querySelector("[data-close]").click();
  });

  // Imports: files are named where they were chosen, dropped together they find their places

  const formOf = (event) => event.target.closest?.("form[data-import]");
  const showName = (input) => {
    const file = input.files[0];
    const zone = input.closest(".drop");
    zone.classList.toggle("drop-full", !!file);
    $(".drop-name", zone).textContent = file ? `${file.name} (${size(file.size)})` : "Choose a file or drop it here";
  };
  const size = (bytes) =>
    bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  const showNames = (root) => {
    for (const input of root.querySelectorAll?.(".drop-input") || []) showName(input);
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches(".drop-input")) showName(event.target);
  });
  document.addEventListener("htmx:load", (event) => showNames(event.detail.elt));
  showNames(document);

  const put = (form, name, file) => {
    const input = form.elements[name];
    if (!input) return;
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    showName(input);
  };
  const place = (form, file, all) => {
    const isTrec = all.some((other) => /\.(run|trec|tsv)$/i.test(other.name));
    if (form.elements.file_format?.length && isTrec) form.elements.file_format.value = "trec";
    const isQueries = /quer|topic/i.test(file.name);
    if (form.elements.file) return isQueries ? "queries" : "file";
    if (isQueries) return "queries";
    if (/\.(run|trec)$/i.test(file.name)) return "run";
    if (/\.tsv$/i.test(file.name)) return "queries";
    return form.elements.file_format.value === "trec" ? "documents" : "results";
  };
  const isOver = (form, on) => form.classList.toggle("is-dragged-over", on);
  document.addEventListener("dragover", (event) => {
    const form = formOf(event);
    if (!form || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    isOver(form, true);
  });
  document.addEventListener("dragleave", (event) => {
    const form = formOf(event);
    if (form && !form.contains(event.relatedTarget)) isOver(form, false);
  });
  document.addEventListener("drop", (event) => {
    const form = formOf(event);
    if (!form) return;
    event.preventDefault();
    isOver(form, false);
    const files = [...event.dataTransfer.files];
    const input = event.target.closest(".drop")?.querySelector(".drop-input");
    if (files.length === 1 && input) put(form, input.name, files[0]);
    else for (const file of files) put(form, place(form, file, files), file);
  });

  // While files go up: how far; then what the server does with them

  let asking;
  const show = (form, text, value) => {
    const box = $("[data-import-progress]", form);
    box.hidden = false;
    const bar = $("progress", box);
    if (value === undefined) bar.removeAttribute("value");
    else bar.value = value;
    $("p", box).textContent = text;
  };
  const askHow = async (form) => {
    const url = form.dataset.progressUrl;
    if (!url) return;
    const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
    const box = $("[data-import-progress]", form);
    if (answer?.ok && !answer.redirected && asking && box) box.innerHTML = await answer.text();
  };
  const stop = () => {
    clearInterval(asking);
    asking = undefined;
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches("form[data-import]")) return;
    const bytes = [...form.querySelectorAll(".drop-input")].reduce(
      (sum, input) => sum + (input.files[0]?.size || 0),
      0,
    );
    if (bytes > Number(form.dataset.maxBytes)) {
      event.preventDefault();
      window.releval.toast(
        "error",
        `The files are ${size(bytes)}; at most ${size(Number(form.dataset.maxBytes))} are taken.`,
      );
      return;
    }
    show(form, "Sending the files …", 0);
  });
  document.addEventListener("htmx:xhr:progress", (event) => {
    const form = event.target;
    // Also sent for the answer's own bytes, which are no upload.
    if (!form.matches?.("form[data-import]") || asking || !event.detail.lengthComputable) return;
    const { loaded, total } = event.detail;
    if (loaded < total) show(form, `Sending the files: ${size(loaded)} of ${size(total)}`, loaded / total);
    else {
      show(form, "Checking every line …");
      asking = setInterval(() => askHow(form), 1000);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.elt.matches("form[data-import]")) return;
    stop();
    // It went well, and the next page is on its way.
    if (event.detail.xhr?.getResponseHeader("HX-Redirect")) return;
    const box = $("[data-import-progress]", event.detail.elt);
    if (box) box.hidden = true;
  });
  // A file that was edited after it was chosen can't be read again: the browser calls that a network error.
  document.addEventListener("htmx:sendError", (event) => {
    const form = event.detail.elt;
    if (!form.matches("form[data-import]")) return;
    for (const input of form.querySelectorAll(".drop-input")) {
      const file = input.files[0];
      file
        ?.slice(0, 1)
        .arrayBuffer()
        .catch(() => {
          input.value = "";
          showName(input);
          window.releval.toast("warning", `${file.name} has changed since you chose it. Choose it again.`);
        });
    }
  });
})();
