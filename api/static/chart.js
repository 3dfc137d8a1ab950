// Draws an answer of /v1/vehicles/{vin}/signals: a plot a unit, one above the other, on one time
// axis and with one cursor.
"use strict";

const SignalChart = (() => {
  const PLOT_HEIGHT = 190;      // px
  const SWITCH_HEIGHT = 110;    // px; switches and codes take few values
  const LEAST_DRAG = 6;         // px; less is a click
  const RAW_GAP = 90;           // s without rows that breaks a line of raw values
  const STEPS_IN_GAP = 2.5;     // steps or periods without a value that break a line

  let plots = [];
  let watch = null;

  // Read and draw once the place of the chart is nearly in sight: who looks at the head of a page does
  // not wait for what is further down.
  function whenNear(container, begin) {
    const near = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      near.disconnect();
      begin();
    }, { rootMargin: "50% 0px" });
    near.observe(container);
  }

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Group the answer's series into plots: by unit; what has none stands alone.
  function byUnit(series) {
    const groups = new Map();
    for (const one of series) {
      const key = one.unit || one.name;
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    return [...groups.values()];
  }

  // Where no row came for too long, a row of nulls: a line must not cross what nobody measured.
  function withBreaks(times, columns, longest) {
    const at = [];
    for (let i = 1; i < times.length; i++) if (times[i] - times[i - 1] > longest) at.push(i);
    if (!at.length) return [times, ...columns];
    const spread = (column, filler) => {
      const found = [];
      let next = 0;
      for (let i = 0; i < column.length; i++) {
        if (i === at[next]) { found.push(filler(i)); next++; }
        found.push(column[i]);
      }
      return found;
    };
    return [
      spread(times, (i) => times[i - 1] + longest),
      ...columns.map((column) => spread(column, () => null)),
    ];
  }

  const timeZone = document.documentElement.dataset.zone;  // none: the device's

  function timeAxis(language) {
    const format = (parts) => {
      let made = null;  // costly: not before it is needed
      return (time) => {
        made ??= new Intl.DateTimeFormat(language, { hourCycle: "h23", timeZone, ...parts });
        return made.format(new Date(time * 1000));
      };
    };
    const day = format({ month: "short", day: "numeric" });
    const clock = format({ hour: "2-digit", minute: "2-digit" });
    const seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    return (_, splits, __, ___, increment) => splits.map((time, place) => {
      if (increment >= 86400) return day(time);
      const text = increment < 60 ? seconds(time) : clock(time);
      const midnight = place > 0 && day(time) !== day(splits[place - 1]);
      return place === 0 || midnight ? `${text}\n${day(time)}` : text;
    });
  }

  function readout(series, about, colors, settings) {
    const head = document.createElement("div");
    head.className = "readout";
    const cells = series.map((one) => {
      const item = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = `swatch series-${colors.get(one.name)}`;
      const value = document.createElement("b");
      item.append(swatch, about.get(one.name).label, " ", value);
      head.append(item);
      return value;
    });
    const unit = document.createElement("span");
    unit.className = "unit";
    const { drawn } = about.get(series[0].name);
    unit.textContent = series[0].unit || (settings.texts[`chart_unit_${drawn}`] ?? "");
    head.append(unit);
    return [head, cells];
  }

  function clear() {
    watch?.disconnect();
    for (const plot of plots) plot.destroy();
    plots = [];
  }

  /**
   * Draw an answer into a container, in place of what it held.
   * @param span [start, end] in seconds since 1970, what the time axis shows
   * @param about by signal: label, period (s), how it is drawn
   * @param colors by signal: the number of its colour
   * @param moved called with the time under the cursor, or null
   * @param zoomed called with the start and end of a dragged span
   */
  function draw(container, answer, span, about, colors, settings, moved, zoomed) {
    clear();
    container.replaceChildren();
    const times = answer.time.map((time) => Date.parse(time) / 1000);
    const number = new Intl.NumberFormat(settings.language, { maximumFractionDigits: 2 });
    const groups = byUnit(answer.signals);
    groups.forEach((series, place) => {
      const last = place === groups.length - 1;
      const period = Math.max(...series.map((one) => about.get(one.name).period));
      const step = answer.step_s ?? 0;
      const longest = Math.max(STEPS_IN_GAP * step, STEPS_IN_GAP * period, step ? 0 : RAW_GAP);
      const columns = [];
      const drawn = [{}];
      const bands = [];
      // What no row holds is one gap; what a slow signal's rows leave between its values is none.
      const gaps = (plot, _, __, ___, found) => found.filter(([from, to]) =>
        plot.posToVal(to, "x", true) - plot.posToVal(from, "x", true) > longest);
      for (const one of series) {
        const color = css(`--series-${colors.get(one.name)}`);
        const held = about.get(one.name).drawn !== "line";
        const paths = held ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear();
        columns.push(one.values);
        drawn.push({ stroke: color, width: 1.5, gaps, paths, points: { show: false } });
        if (one.min) {
          bands.push({ series: [drawn.length + 1, drawn.length], fill: `${color}24` });
          columns.push(one.min, one.max);
          const hidden = { stroke: "transparent", width: 0, gaps, points: { show: false } };
          drawn.push(hidden, { ...hidden });
        }
      }
      const places = [];
      drawn.forEach((one, index) => { if (index && one.stroke !== "transparent") places.push(index); });
      const [head, cells] = readout(series, about, colors, settings);
      const figure = document.createElement("figure");
      figure.append(head);
      container.append(figure);
      const axis = {
        stroke: css("--quiet"), font: `12px ${css("--fonts")}`,
        grid: { stroke: css("--line"), width: 1 }, ticks: { show: false },
      };
      const plot = new uPlot({
        width: container.clientWidth,
        height: (series[0].unit ? PLOT_HEIGHT : SWITCH_HEIGHT) + (last ? 24 : 0),
        padding: [10, 20, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: "signals" }, y: false, points: { size: 7, width: 2 },
          drag: { x: true, y: false, setScale: false },
        },
        scales: { x: { range: () => span } },
        series: drawn,
        bands,
        axes: [
          { ...axis, values: timeAxis(settings.language), size: last ? 44 : 8, show: true,
            ...(last ? {} : { values: (_, splits) => splits.map(() => "") }) },
          { ...axis, size: 56, values: (_, splits) => splits.map((value) => number.format(value)) },
        ],
        hooks: {
          setCursor: [(self) => {
            const index = self.cursor.idx;
            const inside = index != null && self.cursor.left >= 0;
            cells.forEach((cell, k) => {
              const value = inside ? self.data[places[k]][index] : null;
              cell.textContent = value == null ? "" : number.format(value);
            });
            moved(inside ? self.data[0][index] : null);
          }],
          setSelect: [(self) => {
            if (self.select.width < LEAST_DRAG) return;
            zoomed(self.posToVal(self.select.left, "x"),
              self.posToVal(self.select.left + self.select.width, "x"));
          }],
        },
      }, withBreaks(times, columns, longest), figure);
      plots.push(plot);
    });
    watch = new ResizeObserver(() => {
      for (const plot of plots) plot.setSize({ width: container.clientWidth, height: plot.height });
    });
    watch.observe(container);
  }

  return { draw, clear, whenNear };
})();
