// Times that the server wrote in UTC, in the reader's own zone and language. What makes them is
// costly to begin with: it is made where a page has such times, and for titles once one is pointed at.
"use strict";

(() => {
  const language = document.documentElement.lang;
  const clocks = document.querySelectorAll("time[data-clock]");
  if (clocks.length > 0) {
    const clock = new Intl.DateTimeFormat(language, {
      month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    });
    for (const element of clocks) element.textContent = clock.format(new Date(element.dateTime));
  }
  let full = null;
  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest("time");
    if (element === null || "titled" in element.dataset) return;
    full ??= new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
    element.title = full.format(new Date(element.dateTime));
    element.dataset.titled = "";
  });
})();
