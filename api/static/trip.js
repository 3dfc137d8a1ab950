// A trip's page: speed and fuel over its time, drawn from the API's own answer.
"use strict";

(() => {
  const POINTS = 1200;  // across the chart
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];

  const find = (id) => document.getElementById(id);
  const settings = JSON.parse(find("profile-settings").textContent);
  const container = find("profile");
  const about = new Map(settings.signals.map((one) => [one.name, { ...one, drawn: "line" }]));
  const colors = new Map(settings.signals.map((one, place) => [one.name, place + 1]));
  const span = [settings.start, settings.end];

  const say = (words) => {
    const line = document.createElement("p");
    line.className = "nothing";
    line.textContent = words;
    container.replaceChildren(line);
  };

  const least = (settings.end - settings.start) / POINTS;
  const query = new URLSearchParams({
    names: [...about.keys()].join(","),
    start: new Date(settings.start * 1000).toISOString(),
    end: new Date(settings.end * 1000).toISOString(),
  });
  if (least > 1) query.set("step", STEPS.find((step) => step >= least) ?? STEPS.at(-1));

  say(settings.texts.chart_loading);
  SignalChart.whenNear(container, () => fetch(`/v1/vehicles/${settings.vin}/signals?${query}`)
    .then((answer) => {
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    })
    .then((answer) => {
      const told = answer.signals.filter((one) => one.values.some((value) => value !== null));
      if (!told.length) return say(settings.texts.chart_empty);
      SignalChart.draw(container, { ...answer, signals: told }, span, about, colors, settings,
        () => {}, () => {});
    })
    .catch(() => say(settings.texts.chart_failed)));
})();
