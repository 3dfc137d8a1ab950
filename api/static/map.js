// Maps that move: each picture of places that the server has drawn is replaced by one of OpenLayers,
// once it is nearly in sight. Without script, or where data are to be saved, the picture stays.
"use strict";

(() => {
  const CLOSEST_FIT = 15;      // zoom; a parked truck is no map of its yard
  const CLOSEST_BLANK = 18;    // zoom, where no ground has a closest one
  const BEYOND_GROUND = 2;     // zooms that a ground's closest tiles are still enlarged
  const ROOM = [36, 40, 48, 64];  // px around what is fitted: for controls and labels
  const NEXT = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const ENDS = { Home: 0, End: -1 };
  const DEGREES = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const moves = () => !matchMedia("(prefers-reduced-motion: reduce)").matches;
  let library = null;

  function load(stage) {
    library ??= new Promise((done, failed) => {
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = stage.dataset.libraryStyle;
      const script = document.createElement("script");
      script.src = stage.dataset.library;
      script.addEventListener("load", done);
      script.addEventListener("error", failed);
      document.head.append(style, script);
    });
    return library;
  }

  const at = (place) => ol.proj.fromLonLat(place);

  // Where a blank has no ground, lines of longitude and latitude give it a measure.
  function graticule() {
    const text = (align, offset) => new ol.style.Text({
      font: `11px ${css("--fonts")}`, fill: new ol.style.Fill({ color: css("--faint") }),
      stroke: new ol.style.Stroke({ color: css("--raised"), width: 3 }),
      textAlign: align, ...offset,
    });
    const told = (degrees, positive, negative) =>
      `${+Math.abs(degrees).toFixed(3)}°${degrees < 0 ? negative : positive}`;
    return new ol.layer.Graticule({
      strokeStyle: new ol.style.Stroke({ color: css("--line"), width: 1 }),
      intervals: DEGREES, targetSize: 120, wrapX: false, showLabels: true,
      lonLabelFormatter: (degrees) => told(degrees, "E", "W"),
      latLabelFormatter: (degrees) => told(degrees, "N", "S"),
      lonLabelPosition: 0, latLabelPosition: 1,
      lonLabelStyle: text("center", { textBaseline: "bottom", offsetY: -4 }),
      latLabelStyle: text("end", { textBaseline: "bottom", offsetX: -4 }),
    });
  }

  function ground(settings) {
    if (!settings.tiles) return graticule();
    return new ol.layer.Tile({
      className: "tile",
      source: new ol.source.XYZ({
        url: settings.tiles, maxZoom: settings.max_zoom, transition: moves() ? undefined : 0,
      }),
    });
  }

  function trackStyles() {
    const line = new ol.style.Stroke({ color: css("--accent"), width: 3 });
    const end = (inside) => new ol.style.Style({ zIndex: 1, image: new ol.style.Circle({
      radius: 6, stroke: line, fill: new ol.style.Fill({ color: css(inside) }),
    }) });
    return {
      line: new ol.style.Style({ stroke: line }), begin: end("--raised"), end: end("--accent"),
    };
  }

  function track(lines) {
    const feature = (kind, geometry) => new ol.Feature({ kind, geometry });
    const features = lines.map((line) => feature("line", new ol.geom.LineString(line.map(at))));
    features.push(feature("begin", new ol.geom.Point(at(lines[0][0]))));
    features.push(feature("end", new ol.geom.Point(at(lines.at(-1).at(-1)))));
    const layer = new ol.layer.Vector({ source: new ol.source.Vector({ features }) });
    layer.paint = () => {
      const styles = trackStyles();
      layer.setStyle((one) => styles[one.get("kind")]);
    };
    layer.paint();
    return layer;
  }

  // What is told of the dot that is pointed at or has the focus.
  function teller() {
    const box = document.createElement("p");
    box.className = "told";
    box.ariaHidden = "true";  // the dot's own name says it
    const hide = () => { box.textContent = ""; };
    const tell = (event) => { box.textContent = event.currentTarget.ariaLabel; };
    return { box, listen(link) {
      for (const kind of ["pointerenter", "focus"]) link.addEventListener(kind, tell);
      for (const kind of ["pointerleave", "blur"]) link.addEventListener(kind, hide);
    } };
  }

  const plain = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";

  // Dots are links above the map, so that they are followed, focused and read as any other. One of
  // them is a stop of the Tab key; from there arrows go from dot to dot, west to east.
  function dots(map, told) {
    const all = new Map();  // overlay by its item of the list

    function put(item) {
      const data = item.firstElementChild;
      let overlay = all.get(item);
      if (!overlay) {
        const link = document.createElement("a");
        link.href = item.dataset.href;
        link.draggable = false;
        link.tabIndex = -1;
        told.listen(link);
        overlay = new ol.Overlay({ element: link, positioning: "center-center", stopEvent: false });
        all.set(item, overlay);
        map.addOverlay(overlay);
      }
      const link = overlay.getElement();
      overlay.setPosition(data ? at(data.value.split(" ").map(Number)) : undefined);
      link.className = `spot ${data?.dataset.state ?? ""}`;
      link.ariaLabel = link.hash ? plain(document.querySelector(link.hash))
        : `${item.dataset.name} · ${plain(data)}`;
    }

    const shown = () => [...all.values()].filter((one) => one.getPosition())
      .sort((one, other) => one.getPosition()[0] - other.getPosition()[0]);
    const places = () => shown().map((one) => one.getPosition());
    const inSight = (one) => ol.extent.containsCoordinate(
      map.getView().calculateExtent(map.getSize()), one.getPosition());

    function stopAt(chosen) {
      for (const one of all.values()) one.getElement().tabIndex = one === chosen ? 0 : -1;
    }

    function stop() {
      const row = shown();
      const focused = row.find((one) => one.getElement() === document.activeElement);
      stopAt(focused ?? row.find(inSight));
    }

    function step(event) {
      const row = shown();
      const now = row.findIndex((one) => one.getElement() === event.target);
      if (now < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
      if (!(event.key in NEXT || event.key in ENDS)) return;
      event.preventDefault();
      event.stopPropagation();  // which would move the map
      const next = event.key in NEXT
        ? row[(now + NEXT[event.key] + row.length) % row.length] : row.at(ENDS[event.key]);
      if (!inSight(next)) map.getView().setCenter(next.getPosition());
      stopAt(next);
      next.getElement().focus({ preventScroll: true });
    }

    return { put, places, stop, step };
  }

  function corners() {
    const drawn = (name, attributes) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      return element;
    };
    const svg = drawn("svg", { viewBox: "0 0 18 18", width: 16, height: 16 });
    svg.ariaHidden = "true";
    svg.append(drawn("path", {
      d: "M2 6V2h4M12 2h4v4M16 12v4h-4M6 16H2v-4", fill: "none", stroke: "currentColor",
      "stroke-width": 1.8,
    }));
    return svg;
  }

  function controls(texts, told, fit) {
    const duration = moves() ? 200 : 0;
    const zoom = new ol.control.Zoom({
      duration, zoomInTipLabel: texts.map_zoom_in, zoomOutTipLabel: texts.map_zoom_out,
    });
    const button = document.createElement("button");
    button.type = "button";
    button.title = texts.map_fit;
    button.append(corners());
    button.addEventListener("click", fit);
    zoom.element.append(button);
    for (const one of zoom.element.children) one.ariaLabel = one.title;
    return [zoom, new ol.control.ScaleLine({ minWidth: 56 }),
      new ol.control.Control({ element: told.box })];
  }

  // A wheel scrolls the page and a finger too, unless the map is meant.
  function interactions(stage) {
    const { interaction: kinds } = ol;
    const drag = new kinds.DragPan({
      condition(event) {
        return event.originalEvent.pointerType !== "touch" || this.getPointerCount() === 2;
      },
    });
    const wheel = new kinds.MouseWheelZoom({
      duration: moves() ? 200 : 0,
      condition: ({ originalEvent: event }) => event.ctrlKey || event.metaKey
        || stage.contains(document.activeElement),
    });
    const duration = moves() ? 100 : 0;
    return [drag, wheel, new kinds.PinchZoom({ duration }), new kinds.DoubleClickZoom({ duration }),
      new kinds.KeyboardPan({ duration }), new kinds.KeyboardZoom({ duration })];
  }

  function begin(stage) {
    const settings = JSON.parse(stage.querySelector("script").textContent);
    const list = stage.querySelector("ul");
    const target = document.createElement("div");
    target.className = "alive";
    target.tabIndex = 0;
    target.role = "group";
    target.ariaLabel = stage.dataset.label;
    stage.append(target);
    stage.closest(".map").classList.add("moves");

    const view = new ol.View({
      enableRotation: false, minZoom: 2,
      maxZoom: settings.tiles ? settings.max_zoom + BEYOND_GROUND : CLOSEST_BLANK,
    });
    const told = teller();
    const map = new ol.Map({
      target, view, controls: [], interactions: interactions(stage),
      layers: [ground(settings), ...(settings.lines.length ? [track(settings.lines)] : [])],
    });
    const spots = dots(map, told);
    const drawn = settings.lines.flat().map(at);
    let fitted = null;  // what was last fitted: who has moved on is left where they are

    function fit() {
      view.fit(ol.extent.boundingExtent([...drawn, ...spots.places()]), {
        padding: ROOM, maxZoom: CLOSEST_FIT, size: map.getSize(),
      });
      fitted = [view.getResolution(), ...view.getCenter()].join();
    }

    const isFitted = () => fitted === [view.getResolution(), ...view.getCenter()].join();

    for (const control of controls(settings.texts, told, fit)) map.addControl(control);
    for (const item of list.children) spots.put(item);
    fit();
    map.on("moveend", spots.stop);
    map.on("change:size", () => { if (fitted === null || isFitted()) fit(); });
    target.addEventListener("keydown", spots.step, true);

    // What a stream tells is put into the list.
    new MutationObserver((changes) => {
      const follows = isFitted();
      for (const { target: item } of changes) if (item.parentNode === list) spots.put(item);
      if (follows) fit();
      spots.stop();
    }).observe(list, { childList: true, subtree: true });

    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      if (!settings.tiles) map.getLayers().setAt(0, graticule());
      for (const layer of map.getLayers().getArray()) layer.paint?.();
    });
  }

  if (navigator.connection?.saveData) return;
  for (const stage of document.querySelectorAll("[data-map]")) {
    const near = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      near.disconnect();
      load(stage).then(() => begin(stage), () => {});  // the picture stays
    }, { rootMargin: "50% 0px" });
    near.observe(stage);
  }
})();
