// Notices on the desktop when runs and batches end while nobody looks at the page, where somebody has clicked to allow them.
(() => {
  const isAllowed = () => window.isSecureContext && window.Notification?.permission === "granted";

  // A page that nobody looks at asks only where it could tell.
  const prepare = () => {
    const watch = document.getElementById("watch");
    if (watch && isAllowed()) watch.dataset.notices = "";
    const mayAsk = window.isSecureContext && window.Notification?.permission === "default";
    for (const button of document.querySelectorAll("[data-notify]")) button.hidden = !mayAsk;
  };
  document.addEventListener("htmx:load", prepare);
  prepare();
  document.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-notify]")) return;
    await window.Notification.requestPermission();
    prepare();
  });

  document.addEventListener("releval:toasts", (event) => {
    if (!document.hidden || !isAllowed()) return;
    for (const { html, notice } of event.detail.toasts.filter((toast) => toast.notice)) {
      const told = document.createElement("template");
      told.innerHTML = html;
      const link = told.content.querySelector("a");
      link?.remove();
      try {
        // Of notices of the same end from several tabs the system shows one.
        const shown = new window.Notification("Releval", { body: told.content.textContent.trim(), tag: notice });
        shown.addEventListener("click", () => {
          window.focus();
          if (link) location.assign(link.href);
        });
      } catch {
        // Phones want a service worker for it; the message on the page is there.
      }
    }
  });
})();
