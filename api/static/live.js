// A page that is told what changes: pieces of it by their data-live, and whether it is still told.
"use strict";

(() => {
  const sign = document.getElementById("live");
  const SHORTEST_MS = 2000;
  const LONGEST_MS = 60000;
  const silence_ms = 3000 * sign.dataset.heartbeat;  // three heartbeats
  let wait_ms = SHORTEST_MS;
  let source = null;
  let watchdog = null;

  const show = (state) => {
    if (sign.dataset.state === state) return;
    sign.dataset.state = state;
    sign.textContent = sign.dataset[state];
  };

  const heard = () => {
    show("on");
    wait_ms = SHORTEST_MS;
    clearTimeout(watchdog);
    watchdog = setTimeout(again, silence_ms);
  };

  const put = (parts) => {
    for (const [name, html] of Object.entries(parts)) {
      const element = document.querySelector(`[data-live="${CSS.escape(name)}"]`);
      if (!element) continue;
      element.innerHTML = html;  // of our own templates, which escape what is not
      Times.tell(element);
    }
  };

  function follow() {
    source = new EventSource(sign.dataset.from);
    source.addEventListener("open", heard);
    source.addEventListener("alive", heard);
    source.addEventListener("parts", (event) => {
      heard();
      put(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      show("lost");
      // The browser tries again by itself, unless it was refused.
      if (source.readyState === EventSource.CLOSED) again();
    });
  }

  function again() {
    show("lost");
    source.close();
    clearTimeout(watchdog);
    watchdog = setTimeout(follow, wait_ms);
    wait_ms = Math.min(2 * wait_ms, LONGEST_MS);
  }

  function stop() {
    clearTimeout(watchdog);
    source.close();
  }

  addEventListener("offline", again);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => {
    if (event.persisted) follow();
  });
  // Browsers keep few connections to a server: what nobody looks at has none.
  document.addEventListener("visibilitychange", () => {
    stop();
    if (!document.hidden) follow();
  });
  show("begins");
  follow();
})();
