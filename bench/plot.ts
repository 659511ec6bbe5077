import * as echarts from "echarts";
import { grouped } from "./grouped";
import type { Results } from "./results";
import { allSeries, type BySeries, backupSeries, type Series } from "./series";
import type { Spread, Summary } from "./summarize";

const [width, height] = [860, 930];
const timeHeight = 330;
const margin = { left: 78, right: 30 };
const text = { color: "#1f2328", muted: "#59636e", line: "#d1d9e0" };
const axisName = { nameLocation: "middle", nameTextStyle: { fontSize: 13, color: text.color } } as const;
const axisLabel = { fontSize: 13, color: text.color };
// A white edge, where a label crosses a line.
const figure = { color: text.color, textBorderColor: "#ffffff", textBorderWidth: 3 };

// One hue for a blob in the state, another for none. KeyBackups are dark and solid.
const looks: BySeries<{ readonly color: string; readonly symbol: string; readonly dash: "solid" | "dashed" }> = {
  keyBackup: { color: "#b03a06", symbol: "circle", dash: "solid" },
  noopWithBlob: { color: "#e8913f", symbol: "emptyCircle", dash: "dashed" },
  keyBackupToFile: { color: "#0b4f9e", symbol: "rect", dash: "solid" },
  noop: { color: "#5ea3dc", symbol: "emptyRect", dash: "dashed" },
};
const order: readonly Series["name"][] = ["keyBackup", "noopWithBlob", "keyBackupToFile", "noop"];

/** Draws the figures of a run as SVG: seconds of the first update, and bytes of state, by the number of resources. */
export function plot(results: Results): string {
  const summaries = [...results.summaries].sort((one, other) => one.keys - other.keys);
  // An earlier version of the bench had fewer series.
  const series = allSeries
    .filter(({ name }) => summaries.every(({ upMilliseconds }) => name in upMilliseconds))
    .sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  const seconds = (summary: Summary) => series.map(({ name }) => secondsOf(summary.upMilliseconds[name]));
  const ticks = ticksAround(summaries.flatMap(seconds));
  const offsets = labelOffsets(summaries.slice(-1).flatMap(seconds), ticks);
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: "Helvetica, Arial, sans-serif", color: text.color },
    title: [
      heading(14, "Time of the first pulumi up", "Median seconds. Both axes are logarithmic."),
      heading(526, "Size of the state", "Median bytes per resource, without the bytes of an empty state."),
      caption(height - 58, captionOf(results, summaries)),
    ],
    legend: [
      legend(margin.left - 6, series.filter(isBackup)),
      legend(
        margin.left + 270,
        series.filter((one) => !isBackup(one)),
      ),
    ],
    grid: [
      { ...margin, top: 124, height: timeHeight },
      { ...margin, top: 590, height: 226 },
    ],
    xAxis: [timeByKeys(summaries), sizeByKeys(summaries)],
    yAxis: [secondsAxis(ticks), bytesAxis()],
    series: [
      ...series.map((one, index) => timeLine(one, summaries, offsets[index] ?? 0)),
      ...series.map((one) => sizeBars(one, summaries)),
    ],
  } satisfies echarts.EChartsOption);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}

function isBackup({ name }: Series): boolean {
  return backupSeries.some((backup) => backup.name === name);
}

function heading(top: number, title: string, subtitle: string): echarts.TitleComponentOption {
  return {
    top,
    left: 14,
    text: title,
    subtext: subtitle,
    itemGap: 6,
    textStyle: { fontSize: 17, color: text.color },
    subtextStyle: { fontSize: 13, color: text.muted },
  };
}

function caption(top: number, lines: readonly string[]): echarts.TitleComponentOption {
  const subtextStyle = { fontSize: 12, lineHeight: 17, color: text.muted };
  return { top, left: 14, subtext: lines.join("\n"), subtextStyle };
}

function captionOf(
  { engine, node, cores, startedAt, stateSize, ...results }: Results,
  summaries: readonly Summary[],
): string[] {
  const rounds = summaries.map(({ keys, rounds }) => `${rounds} of ${keys}`).join(", ");
  return [
    `pulumi-azure-keyvault-backup ${results.package}, Pulumi ${engine}, Node.js ${node}, ${cores} cores, ` +
      `${startedAt.slice(0, 10)}. Rounds: ${rounds}.`,
    `A KeyBackup backs up a key of a local vault, without a network to Azure. A no-op makes no request. A blob has ` +
      `${grouped(stateSize.blobLength)} characters.`,
  ];
}

function legend(left: number, series: readonly Series[]): echarts.LegendComponentOption {
  return {
    left,
    top: 64,
    orient: "vertical",
    itemWidth: 44,
    itemGap: 8,
    textStyle: { fontSize: 13, color: text.color },
    data: series.map(({ description }) => description),
  };
}

function timeByKeys(summaries: readonly Summary[]): echarts.XAXisComponentOption {
  const keys = summaries.map((summary) => summary.keys);
  return {
    ...axisName,
    gridIndex: 0,
    type: "log",
    name: "Number of resources",
    nameGap: 30,
    min: Math.min(...keys) * 0.8,
    max: Math.max(...keys) * 1.6,
    axisLabel: { ...axisLabel, customValues: keys },
    axisTick: { customValues: keys },
    splitLine: { show: false },
  };
}

function sizeByKeys(summaries: readonly Summary[]): echarts.XAXisComponentOption {
  return {
    ...axisName,
    gridIndex: 1,
    type: "category",
    data: summaries.map(({ keys }) => String(keys)),
    name: "Number of resources",
    nameGap: 30,
    axisLabel,
    axisTick: { show: false },
  };
}

function secondsAxis(ticks: readonly number[]): echarts.YAXisComponentOption {
  return {
    ...axisName,
    gridIndex: 0,
    type: "log",
    name: "Seconds",
    nameGap: 44,
    min: Math.min(...ticks),
    max: Math.max(...ticks),
    axisLabel: { ...axisLabel, customValues: [...ticks] },
    axisTick: { show: true, customValues: [...ticks] },
    splitLine: { lineStyle: { color: text.line } },
  };
}

function bytesAxis(): echarts.YAXisComponentOption {
  return {
    ...axisName,
    gridIndex: 1,
    type: "value",
    name: "Bytes per resource",
    nameGap: 56,
    axisLabel: { ...axisLabel, formatter: grouped },
    splitLine: { lineStyle: { color: text.line } },
  };
}

function timeLine(
  { name, description }: Series,
  summaries: readonly Summary[],
  labelOffset: number,
): echarts.LineSeriesOption {
  const { color, symbol, dash } = looks[name];
  const points = summaries.map(({ keys, upMilliseconds }) => ({ value: [keys, secondsOf(upMilliseconds[name])] }));
  return {
    type: "line",
    name: description,
    data: points.map((point) => (point === points.at(-1) ? { ...point, label: { show: true } } : point)),
    symbol,
    symbolSize: 9,
    lineStyle: { color, width: 2.5, type: dash },
    itemStyle: { color },
    label: {
      ...figure,
      position: "right",
      distance: 8,
      offset: [0, labelOffset],
      fontSize: 12,
      formatter: ({ value }) => `${Number((value as number[])[1]).toFixed(1)} s`,
    },
  };
}

function sizeBars({ name, description }: Series, summaries: readonly Summary[]): echarts.BarSeriesOption {
  return {
    type: "bar",
    name: description,
    xAxisIndex: 1,
    yAxisIndex: 1,
    data: summaries.map(({ stateBytesPerResource }) => stateBytesPerResource[name].median),
    barMaxWidth: 60,
    barGap: "6%",
    barCategoryGap: "14%",
    itemStyle: { color: looks[name].color },
    label: {
      ...figure,
      show: true,
      position: "top",
      fontSize: 11,
      formatter: ({ value }) => grouped(Number(value)),
    },
    labelLayout: { hideOverlap: true },
  };
}

function secondsOf({ median }: Spread): number {
  return median / 1000;
}

/** 1, 2 and 5 times the powers of ten, from the last one below all figures to the first one above them. */
function ticksAround(figures: readonly number[]): number[] {
  const all = [-1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const from = all.findLastIndex((tick) => tick < Math.min(...figures));
  const to = all.findIndex((tick) => tick > Math.max(...figures));
  return all.slice(from, to + 1);
}

/** How far to move the label of each figure, so that none covers another: pixels, downwards. */
function labelOffsets(figures: readonly number[], ticks: readonly number[]): number[] {
  const pixels = timeHeight / Math.log(Math.max(...ticks) / Math.min(...ticks));
  const offsets: number[] = [];
  let free = Number.POSITIVE_INFINITY;
  for (const [index, figure] of [...figures.entries()].sort(([, one], [, other]) => one - other)) {
    const position = -Math.log(figure) * pixels;
    offsets[index] = Math.min(free - position, 0);
    free = position + (offsets[index] ?? 0) - 15;
  }
  return offsets;
}
