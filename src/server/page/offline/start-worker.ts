/** Has the page's files kept by the browser. It lets pages alone that came over https or from its own machine. */
export function startWorker(): void {
  // The page works without: a browser may forbid it.
  navigator.serviceWorker?.register('./worker.js').catch(() => {});
}
