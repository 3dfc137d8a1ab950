// Times that the server wrote in UTC, in the zone the reader wishes, or the device's own.
"use strict";

const Times = (() => {
  const language = document.documentElement.lang;
  const timeZone = document.documentElement.dataset.zone;
  const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", timeZone });
  const clock = new Intl.DateTimeFormat(language, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone,
  });

  function tell(root) {
    for (const element of root.querySelectorAll("time")) {
      const time = new Date(element.dateTime);
      element.title = full.format(time);
      if ("clock" in element.dataset) element.textContent = clock.format(time);
    }
  }

  tell(document);
  return { tell };
})();
