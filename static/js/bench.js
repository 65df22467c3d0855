// The bench of an endpoint and the query lab: a click takes a proposed mapping over, Ctrl+Enter asks. Everything else is forms and htmx.
(() => {
  document.addEventListener("click", (event) => {
    const proposal = event.target.closest("[data-mapping]");
    if (!proposal) return;
    const mapping = document.querySelector("[name=candidates_mapping]");
    mapping.value = proposal.dataset.mapping;
    mapping.dispatchEvent(new Event("input", { bubbles: true }));
  });

  // The form of the lab keeps open what was, when it is drawn anew.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "lab-form") return;
    const open = [...event.target.querySelectorAll("details[open][id]")].map((details) => details.id);
    document.addEventListener(
      "htmx:afterSwap",
      () => {
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      },
      { once: true },
    );
  });

  document.addEventListener("keydown", (event) => {
    const ask = event.target.closest("form")?.querySelector("#ask-engine");
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !ask) return;
    event.preventDefault();
    ask.click();
  });
})();
