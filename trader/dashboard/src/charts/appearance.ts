/** What the two charts share: colours from the style sheet, axes in UTC, no scroll trap. */

import {
  ColorType,
  CrosshairMode,
  type DeepPartial,
  LineStyle,
  type TimeChartOptions,
  type UTCTimestamp,
} from "lightweight-charts";

export interface Palette {
  text: string;
  grid: string;
  border: string;
  equity: string;
  equityFill: string;
  benchmark: string;
  drawdown: string;
  drawdownFill: string;
  long: string;
  short: string;
  stop: string;
}

/** The style sheet owns the colours: one place, both themes. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: color("--muted"),
    grid: color("--chart-grid"),
    border: color("--border"),
    equity: color("--accent"),
    equityFill: color("--chart-equity-fill"),
    benchmark: color("--chart-benchmark"),
    drawdown: color("--short"),
    drawdownFill: color("--chart-drawdown-fill"),
    long: color("--long"),
    short: color("--short"),
    stop: color("--stop"),
  };
}

export function chartOptions(colors: Palette): DeepPartial<TimeChartOptions> {
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: colors.text,
      fontSize: 11,
      fontFamily: getComputedStyle(document.body).fontFamily,
      // The logo brings an inline style, which the page's policy forbids; the footer credits instead.
      attributionLogo: false,
      panes: { separatorColor: colors.border, enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colors.grid } },
    crosshair: {
      mode: CrosshairMode.Magnet,
      vertLine: {
        color: colors.benchmark,
        style: LineStyle.Dotted,
        labelBackgroundColor: colors.text,
      },
      horzLine: {
        color: colors.benchmark,
        style: LineStyle.Dotted,
        labelBackgroundColor: colors.text,
      },
    },
    rightPriceScale: { borderVisible: false, entireTextOnly: true },
    timeScale: { borderColor: colors.border, timeVisible: true, secondsVisible: false },
    localization: { locale: "en-GB", dateFormat: "yyyy-MM-dd" },
    // The wheel scrolls the page; ranges have buttons, which also serve the keyboard.
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false, axisPressedMouseMove: false, axisDoubleClickReset: false },
  };
}

/** The chart's own time: whole seconds since 1970, drawn as UTC. */
export function chartTime(time: string): UTCTimestamp {
  return Math.floor(Date.parse(time) / 1000) as UTCTimestamp;
}

/** Keeps of several points in one second the last: the chart wants strictly rising times. */
export function rising<T extends { time: UTCTimestamp }>(points: T[]): T[] {
  return points.filter((point, i) => {
    const next = points[i + 1];
    return !next || next.time > point.time;
  });
}
