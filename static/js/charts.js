// Draws every <canvas data-chart="ID">, whose figures stand in <script type="application/json" id="ID"> (json_script):
//   {"type": "line" | "bar", "labels": [...], "series": [{"name": "NDCG@10", "values": [0.61, null, ...]}],
//    "max": 1?, "decimals": 4?, "colours": "grades"?, "stacked": true?}
// A value is a number or null; colours "grades" gives bar i (or, stacked, series i) the colour of grade step
// `steps[i]`. Needs chart.js before it. The same figures belong on the page as text, for those who see no canvas.
(() => {
  const { Chart } = window;
  const charts = new Map();
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Told apart by lightness as well as hue, in both themes.
  const palette = () =>
    document.documentElement.dataset.bsTheme === "dark"
      ? ["#7db0ff", "#f0b35b", "#67d3b4", "#e58fb7", "#c3c9d3", "#b79bf0"]
      : ["#1a5fd0", "#c26a00", "#0b8468", "#b3286e", "#566170", "#6b3fc4"];

  const options = (figures) => {
    const ink = token("--ink-quiet");
    const line = token("--line");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
    const isSingle = figures.series.length < 2;
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: {
          display: !isSingle,
          position: "bottom",
          labels: { color: ink, font, boxWidth: 10, boxHeight: 10, usePointStyle: true },
        },
        tooltip: {
          callbacks: {
            label: (item) => {
              const value = item.parsed.y;
              if (value === null) return `${item.dataset.label}: –`;
              return `${item.dataset.label}: ${figures.decimals === undefined ? value.toLocaleString() : value.toFixed(figures.decimals)}`;
            },
          },
        },
      },
      scales: {
        x: {
          stacked: !!figures.stacked,
          grid: { display: false },
          border: { color: line },
          ticks: { color: ink, font, maxRotation: 0, autoSkip: true },
        },
        y: {
          stacked: !!figures.stacked,
          beginAtZero: true,
          max: figures.max,
          grid: { color: line },
          border: { display: false },
          ticks: { color: ink, font, maxTicksLimit: 6 },
        },
      },
    };
  };

  const datasets = (figures) =>
    figures.series.map((series, index) => {
      const colour = palette()[index % 6];
      const step = (i) => token(`--grade-${figures.steps[i]}`);
      let fill = colour;
      if (figures.colours === "grades") fill = figures.stacked ? step(index) : series.values.map((_, i) => step(i));
      return {
        label: series.name,
        data: series.values,
        backgroundColor: fill,
        borderColor: figures.type === "line" ? colour : token("--line-strong"),
        borderWidth: figures.type === "line" ? 2 : 1,
        borderRadius: figures.type === "bar" ? 3 : 0,
        pointRadius: 3,
        pointHoverRadius: 5,
        tension: 0,
        spanGaps: true,
        maxBarThickness: 48,
      };
    });

  const draw = (canvas) => {
    charts.get(canvas)?.destroy();
    const figures = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    charts.set(
      canvas,
      new Chart(canvas, {
        type: figures.type,
        data: { labels: figures.labels, datasets: datasets(figures) },
        options: options(figures),
      }),
    );
  };
  const drawWithin = (root) => {
    for (const [canvas, chart] of charts) {
      if (!canvas.isConnected) {
        chart.destroy();
        charts.delete(canvas);
      }
    }
    for (const canvas of root.querySelectorAll?.("canvas[data-chart]") || []) draw(canvas);
  };
  document.addEventListener("releval:theme", () => drawWithin(document));
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) drawWithin(event.detail.elt);
  });
  drawWithin(document);
})();
