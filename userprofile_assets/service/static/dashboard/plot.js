// Drawing with plotly: loads its script when the first chart is drawn, and gives all charts the
// colours and the font of the page.

let loading = null;

/** Load plotly once; throws if the server has none. */
export function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector("link[data-plotly]").href;
    script.addEventListener("load", () => resolve(globalThis.Plotly));
    script.addEventListener("error", () => reject(new Error("plotly could not be loaded")));
    document.head.append(script);
  });
  return loading;
}

/** A text for plotly, which reads some tags and entities in texts. */
export function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A colour of the page by its name in tokens.css. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** What all charts share. */
function layoutOf(layout) {
  const axis = {
    gridcolor: colour("grid"),
    zerolinecolor: colour("grid"),
    linecolor: colour("grid"),
    fixedrange: true,
    automargin: true,
    ticks: "",
  };
  const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name));
  return {
    autosize: true,
    margin: { l: 8, r: 12, t: 8, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("text") },
    dragmode: false,
    showlegend: false,
    hoverlabel: {
      bgcolor: colour("raised"),
      bordercolor: colour("line-strong"),
      font: { color: colour("text"), size: 12 },
      align: "left",
    },
    ...layout,
    ...Object.fromEntries(axes.map((name) => [name, { ...axis, ...layout[name] }])),
  };
}

const CONFIG = { displayModeBar: false, showTips: false, doubleClick: false, locale: "en" };

/**
 * Draw a chart, or draw it anew.
 *
 * clicked: called with plotly's first point and the event; it stays that of the newest drawing.
 */
export async function draw(target, traces, layout, clicked, event = "plotly_click") {
  const plotly = await loadPlotly();
  target.onPoint = clicked;
  const first = !target.classList.contains("js-plotly-plot");
  await plotly.react(target, traces, layoutOf(layout), CONFIG);
  if (!first) return;
  // Without `false` plotly would zoom a treemap by itself.
  target.on(event, (data) => {
    target.onPoint?.(data.points[0], data.event);
    return false;
  });
  new ResizeObserver(() => {
    if (target.offsetWidth > 0) plotly.Plots.resize(target);
  }).observe(target);
}

