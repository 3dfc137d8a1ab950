// Times that the server wrote in UTC, in the zone the reader wishes, or the device's own. What makes
// them is costly to begin with: it is made where a page has such times, and for titles once one is
// pointed at.
"use strict";

const Times = (() => {
  const language = document.documentElement.lang;
  const timeZone = document.documentElement.dataset.zone;
  let clock = null;
  let full = null;

  function tell(root) {
    for (const element of root.querySelectorAll("time[data-clock]")) {
      clock ??= new Intl.DateTimeFormat(language, {
        month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone,
      });
      element.textContent = clock.format(new Date(element.dateTime));
    }
  }

  document.addEventListener("pointerover", (event) => {
    const element = event.target.closest("time");
    if (element === null || "titled" in element.dataset) return;
    full ??= new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", timeZone });
    element.title = full.format(new Date(element.dateTime));
    element.dataset.titled = "";
  });

  tell(document);
  return { tell };
})();
