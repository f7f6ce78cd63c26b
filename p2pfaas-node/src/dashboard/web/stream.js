// The stream of what goes on. It is closed while nobody looks at the page, so that the node has its place back.

const SILENCE_MS = 5_000;
const RETRY_MS = 5_000;

/** Calls `tell.history(points)`, `tell.snapshot(snapshot)` and `tell.state(state, text)`. */
export function watch(tell) {
  let source = null;
  let heard = 0;
  let retry = 0;

  function open() {
    close();
    source = new EventSource("dashboard/events");
    heard = Date.now();
    const on = (name, use) => source.addEventListener(name, (event) => {
      heard = Date.now();
      use(JSON.parse(event.data));
    });
    on("history", tell.history);
    on("snapshot", (snapshot) => {
      if (snapshot.node.draining) tell.state("waiting", "The node is shutting down");
      else tell.state("live", "Live");
      tell.snapshot(snapshot);
    });
    source.addEventListener("error", () => {
      tell.state("lost", "No connection: the node is gone, or too many pages watch it. Trying again …");
      // A browser that was refused does not try again by itself.
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    });
  }

  function close() {
    clearTimeout(retry);
    source?.close();
    source = null;
  }

  setInterval(() => {
    if (source?.readyState === EventSource.OPEN && Date.now() - heard > SILENCE_MS) {
      tell.state("lost", `Nothing heard for more than ${SILENCE_MS / 1_000} s`);
    }
  }, 1_000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      tell.state("waiting", "Paused while the page is hidden");
    } else open();
  });
  if (!document.hidden) open();
}
