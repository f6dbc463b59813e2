/** Has the page's files kept by the browser. It lets pages alone that came over https or from its own machine. */
export function startWorker(): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  // Browsers look for a newer one by themselves.
  if (!workers || workers.controller) return;
  // The page works without: a browser may forbid it.
  workers.register('./worker.js').catch(() => {});
}
