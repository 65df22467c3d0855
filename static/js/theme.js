// Runs before the page is painted, so that it never flashes in the wrong theme.
// data-theme-choice is what was chosen (auto, light, dark), data-bs-theme what that means now.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      const choice = localStorage.getItem("releval.theme");
      return choice === "light" || choice === "dark" ? choice : "auto";
    } catch {
      return root.dataset.themeChoice || "auto"; // storage is blocked: remembered for this page only
    }
  };
  const apply = (choice) => {
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark"); // Swagger UI's word for it
    document.dispatchEvent(new CustomEvent("releval:theme", { detail: root.dataset.bsTheme }));
  };
  window.relevalTheme = {
    choose(choice) {
      try {
        if (choice === "auto") localStorage.removeItem("releval.theme");
        else localStorage.setItem("releval.theme", choice);
      } catch {
        /* see above */
      }
      apply(choice);
    },
  };
  system.addEventListener("change", () => apply(stored()));
  addEventListener("storage", (event) => {
    if (event.key === "releval.theme") apply(stored());
  });
  apply(stored());
})();
