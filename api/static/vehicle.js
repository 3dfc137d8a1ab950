// A vehicle's page: which signals are drawn over which span, and the list of all values.
"use strict";

(() => {
  const HOUR = 3600;
  const FIRST_SPAN = 6 * HOUR;
  const POINTS = 1000;  // across the chart; more than its pixels show nothing
  const NICE_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const TRIP_MARGIN = 0.03;  // of a trip's span, before and after it
  const PATIENCE = 200;  // ms after which reading is worth a word

  const find = (id) => document.getElementById(id);
  if (!find("chart-settings")) return;  // a vehicle that was never heard of
  const settings = JSON.parse(find("chart-settings").textContent);
  const texts = settings.texts;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const about = new Map();
  for (const row of document.querySelectorAll("[data-signal]")) {
    about.set(row.dataset.signal, {
      label: row.dataset.label,
      unit: row.dataset.unit,
      period: Number(row.dataset.period),
      drawn: row.dataset.drawn,
      group: row.closest("details").querySelector("summary").firstChild.textContent.trim(),
      words: `${row.dataset.signal} ${row.textContent} ${row.querySelector(".name").title}`.toLowerCase(),
    });
  }

  filterValues();

  const latest = Math.ceil(settings.lastSeen / 60) * 60;
  const view = fromAddress();
  const colors = new Map();
  let answer = null;
  let reading = null;

  find("chart-tools").hidden = false;
  tools();
  chooser();
  SignalChart.whenNear(find("plots"), change);

  function fromAddress() {
    const query = new URLSearchParams(location.search);
    const names = (query.get("names") ?? "").split(",").filter((name) => about.has(name));
    const start = Number(query.get("start"));
    const end = Number(query.get("end"));
    const ordered = Number.isFinite(start) && Number.isFinite(end) && 0 < start && start < end;
    const wished = query.get("step") ?? "auto";
    return {
      names: (names.length ? names : settings.drawnFirst).slice(0, settings.maxSignals),
      start: ordered ? start : latest - FIRST_SPAN,
      end: ordered ? end : latest,
      step: [...find("step").options].some((option) => option.value === wished) ? wished : "auto",
    };
  }

  function toAddress() {
    const query = new URLSearchParams(location.search);
    query.set("names", view.names.join(","));
    query.set("start", Math.round(view.start));
    query.set("end", Math.round(view.end));
    query.set("step", view.step);
    history.replaceState(null, "", `?${query}${location.hash}`);
  }

  // The step to ask for: null is every row.
  function step() {
    if (view.step === "raw") return null;
    if (view.step !== "auto") return Number(view.step);
    const least = (view.end - view.start) / POINTS;
    return least <= 1 ? null : NICE_STEPS.find((one) => one >= least) ?? NICE_STEPS.at(-1);
  }

  function fits(wished, span) {
    if (wished === "auto") return true;
    if (wished === "raw") return span <= settings.maxRawSpan;
    return span / Number(wished) <= Math.min(settings.maxPoints, settings.maxBuckets);
  }

  function change() {
    const span = view.end - view.start;
    if (!fits(view.step, span)) view.step = "auto";
    for (const option of find("step").options) option.disabled = !fits(option.value, span);
    find("step").value = view.step;
    for (const button of document.querySelectorAll("[data-span]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.span) === Math.round(span)));
    }
    find("later").disabled = view.end >= latest;
    // A colour stays with its signal while others come and go.
    for (const name of [...colors.keys()]) if (!view.names.includes(name)) colors.delete(name);
    for (const name of view.names) {
      const taken = new Set(colors.values());
      for (let color = 1; !colors.has(name); color++) if (!taken.has(color)) colors.set(name, color);
    }
    chips();
    showTime(null);
    toAddress();
    read();
  }

  function show(start, end) {
    Object.assign(view, { start, end });
    change();
  }

  function tools() {
    for (const button of document.querySelectorAll("[data-span]")) {
      button.addEventListener("click", () => show(view.end - Number(button.dataset.span), view.end));
    }
    const shift = (direction) => () => {
      const span = view.end - view.start;
      const end = Math.min(latest, view.end + direction * span);
      show(end - span, end);
    };
    find("earlier").addEventListener("click", shift(-1));
    find("later").addEventListener("click", shift(1));
    find("latest").addEventListener("click", () => show(latest - (view.end - view.start), latest));
    find("step").addEventListener("change", (event) => {
      view.step = event.target.value;
      change();
    });
    for (const link of document.querySelectorAll("a.trip")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const query = new URL(link.href).searchParams;
        const [start, end] = [Number(query.get("start")), Number(query.get("end"))];
        const margin = TRIP_MARGIN * (end - start);
        show(start - margin, end + margin);
        find("chart").scrollIntoView({ behavior: "smooth" });
      });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  function chips() {
    find("chips").replaceChildren(
      ...view.names.map((name) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.className = "chip";
        chip.setAttribute("aria-label", fill(texts.chart_remove, { name: about.get(name).label }));
        const swatch = document.createElement("i");
        swatch.className = `swatch series-${colors.get(name)}`;
        const cross = document.createElement("span");
        cross.textContent = "×";
        chip.append(swatch, about.get(name).label, cross);
        chip.addEventListener("click", () => toggle(name));
        return chip;
      }),
      addButton(),
    );
  }

  function addButton() {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip add";
    button.textContent = `+ ${texts.chart_add}`;
    button.addEventListener("click", () => {
      find("chooser-search").value = "";
      listed();
      find("chooser").showModal();
      find("chooser-search").focus();
    });
    return button;
  }

  function toggle(name) {
    if (view.names.includes(name)) {
      view.names = view.names.filter((one) => one !== name);
    } else if (view.names.length < settings.maxSignals) {
      view.names = [...view.names, name];
    } else {
      find("chooser-note").textContent = fill(texts.chart_too_many, { n: settings.maxSignals });
      return;
    }
    find("chooser-note").textContent = "";
    change();
  }

  function chooser() {
    find("chooser-search").addEventListener("input", listed);
    find("chooser").addEventListener("click", (event) => {
      if (event.target === find("chooser")) find("chooser").close();  // beside it
    });
    find("chooser-search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }

  function listed() {
    const words = find("chooser-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const items = [];
    let group = null;
    for (const [name, signal] of about) {
      if (!words.every((word) => signal.words.includes(word))) continue;
      if (signal.group !== group) {
        group = signal.group;
        const title = document.createElement("li");
        title.className = "group-title";
        title.textContent = group;
        items.push(title);
      }
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(view.names.includes(name)));
      const unit = document.createElement("small");
      unit.textContent = signal.unit;
      button.append(signal.label, unit);
      button.addEventListener("click", () => {
        toggle(name);
        button.setAttribute("aria-pressed", String(view.names.includes(name)));
      });
      item.append(button);
      items.push(item);
    }
    find("chooser-note").textContent = items.length ? "" : texts.chart_nothing_found;
    find("chooser-list").replaceChildren(...items);
  }

  async function read() {
    reading?.abort();
    const mine = new AbortController();
    reading = mine;
    if (!view.names.length) return say(texts.chart_none_chosen);
    const plots = find("plots");
    const slow = setTimeout(() => {
      plots.classList.add("reading");
      if (!answer) say(texts.chart_loading);
    }, PATIENCE);
    try {
      const found = await ask(mine.signal);
      if (reading !== mine) return;
      answer = found;
      draw();
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
    } finally {
      clearTimeout(slow);
      if (reading === mine) plots.classList.remove("reading");
    }
  }

  async function ask(signal) {
    const query = new URLSearchParams({
      names: view.names.join(","),
      start: new Date(view.start * 1000).toISOString(),
      end: new Date(view.end * 1000).toISOString(),
      limit: settings.maxPoints,
    });
    if (step() !== null) query.set("step", step());
    const response = await fetch(`/v1/vehicles/${settings.vin}/signals?${query}`, { signal });
    const body = await response.json();
    if (!response.ok) throw new Error(`${body.detail} ${body.way_out}`);
    return body;
  }

  function draw() {
    if (!answer) return;
    if (!answer.time.length) return say(texts.chart_empty, texts.chart_empty_help);
    SignalChart.draw(find("plots"), answer, [view.start, view.end], about, colors, settings,
      showTime, show);
    find("chart-hint").hidden = false;
    if (answer.next) {
      const note = document.createElement("p");
      note.className = "note";
      note.textContent = fill(texts.chart_cut, { n: settings.maxPoints.toLocaleString(settings.language) });
      find("plots").append(note);
    }
  }

  function say(text, help = "") {
    SignalChart.clear();
    const box = document.createElement("div");
    box.className = "nothing";
    const first = document.createElement("p");
    first.className = "strong";
    first.textContent = text;
    const second = document.createElement("p");
    second.textContent = help;
    box.append(first, ...(help ? [second] : []));
    find("plots").replaceChildren(box);
    return box;
  }

  function failed(error) {
    answer = null;
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button";
    again.textContent = texts.chart_retry;
    again.addEventListener("click", read);
    say(texts.chart_failed, error.message).append(again);
  }

  // The span, or the time under the cursor.
  function showTime(time) {
    const format = new Intl.DateTimeFormat(settings.language, {
      month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
      hourCycle: "h23", timeZone: document.documentElement.dataset.zone,
    });
    const shown = (seconds) => format.format(new Date(seconds * 1000));
    find("shown-span").textContent =
      time === null ? `${shown(view.start)} – ${shown(view.end)}` : shown(time);
    find("shown-span").classList.toggle("at-cursor", time !== null);
  }

  function filterValues() {
    const filter = find("filter");
    filter.hidden = false;
    const groups = [...document.querySelectorAll("details.group")];
    const opened = new Map(groups.map((group) => [group, group.open]));
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const group of groups) {
        let any = false;
        for (const row of group.querySelectorAll("[data-signal]")) {
          row.hidden = !words.every((word) => about.get(row.dataset.signal).words.includes(word));
          any ||= !row.hidden;
        }
        group.hidden = !any;
        group.open = words.length ? any : opened.get(group);
      }
    });
  }
})();
