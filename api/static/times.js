// Times that the server wrote in UTC, in the reader's own zone and language.
"use strict";

(() => {
  const language = document.documentElement.lang;
  const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const clock = new Intl.DateTimeFormat(language, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
  for (const element of document.querySelectorAll("time")) {
    const time = new Date(element.dateTime);
    element.title = full.format(time);
    if ("clock" in element.dataset) element.textContent = clock.format(time);
  }
})();
