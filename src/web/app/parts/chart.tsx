// A chart over the last blocks. What it shows is also said in one sentence, for those who do not see it.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../theme.ts";
import { locale } from "../words/index.ts";

const HEIGHT = 150;

export interface ChartData {
  /** Heights. */
  x: number[];
  y: number[];
}

/** A colour of the style, as canvases need it. */
function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function Chart({
  data,
  kind,
  colour,
  format,
  summary,
  level,
}: {
  data: ChartData;
  kind: "line" | "bars";
  /** A colour token of the style. */
  colour: string;
  format: (value: number) => string;
  summary: string;
  /** A value to compare with: a dashed line. */
  level?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shade = theme.value;
  const region = locale.value;
  const readout = useRef<HTMLSpanElement>(null);

  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const [stroke, faint, grid] = [token(colour), token("--ink-3"), token("--line")];
    const series: uPlot.Series = { stroke, width: 1.75, points: { show: false }, fill: `${stroke}22` };
    if (kind === "bars") {
      const bars = uPlot.paths.bars?.({ size: [0.7, 24], radius: 0.15 });
      Object.assign(series, { fill: stroke, width: 0 }, bars ? { paths: bars } : {});
    }
    const axis = { stroke: faint, font: "11px system-ui, sans-serif", ticks: { show: false } };
    const show = (self: uPlot) => {
      const index = self.cursor.idx;
      if (!readout.current) return;
      const [x, y] = index == null ? [] : [self.data[0][index], self.data[1]?.[index]];
      readout.current.textContent = x == null || y == null ? "" : `#${x.toLocaleString(region)} · ${format(y)}`;
    };
    const dashed = (self: uPlot) => {
      if (level === undefined) return;
      const y = self.valToPos(level, "y", true);
      if (y < self.bbox.top || y > self.bbox.top + self.bbox.height) return;
      self.ctx.save();
      self.ctx.strokeStyle = faint;
      self.ctx.lineWidth = devicePixelRatio;
      self.ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      self.ctx.beginPath();
      self.ctx.moveTo(self.bbox.left, y);
      self.ctx.lineTo(self.bbox.left + self.bbox.width, y);
      self.ctx.stroke();
      self.ctx.restore();
    };
    plot.current = new uPlot(
      {
        width: Math.max(place.clientWidth, 100),
        height: HEIGHT,
        legend: { show: false },
        // On the right, room for half of the last height.
        padding: [8, 20, 0, 0],
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_self, low, high) => [Math.min(0, low), Math.max(high * 1.08, level ?? 0) || 1] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 24,
            space: 70,
            values: (_self, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? tick.toLocaleString(region) : "")),
          },
          { ...axis, grid: { stroke: grid, width: 1 }, size: 56, space: 34, values: (_self, ticks) => ticks.map(format) },
        ],
        series: [{}, series],
        hooks: { setCursor: [show], drawAxes: [dashed] },
      },
      [data.x, data.y],
      place,
    );
    const watcher = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(place.clientWidth, 100), height: HEIGHT }));
    watcher.observe(place);
    return () => {
      watcher.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [kind, colour, shade, region, level]);

  useEffect(() => plot.current?.setData([data.x, data.y]), [data]);

  return (
    <figure class="chart">
      <div ref={box} role="img" aria-label={summary} />
      <figcaption>
        <span>{summary}</span>
        <span ref={readout} class="number" aria-hidden="true" />
      </figcaption>
    </figure>
  );
}
