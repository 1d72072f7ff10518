/** One symbol's candles with its fills and the stops that protect it. */

import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  LineStyle,
  type SeriesMarker,
  type UTCTimestamp,
} from "lightweight-charts";
import type { Bar, Fill, Market, StopLine } from "../contract";
import { barOf } from "../series";
import { chartOptions, chartTime, palette, rising } from "./appearance";

/** Room right of the newest bar, in bars. */
const RIGHT_OFFSET = 4;

export class PriceChart {
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<"Candlestick">;
  private readonly markers: ISeriesMarkersPluginApi<unknown>;
  private lines: IPriceLine[] = [];
  private drawn: Market | null = null;
  private interval = Number.POSITIVE_INFINITY;
  /** Whether a fill has no bar yet: its bar has not closed. */
  private fillsWait = false;

  constructor(
    private readonly element: HTMLElement,
    onHover: (bar: Bar | null) => void,
  ) {
    this.chart = createChart(element, chartOptions(palette()));
    this.candles = this.chart.addSeries(CandlestickSeries, { priceLineStyle: LineStyle.Dotted });
    this.markers = createSeriesMarkers(this.candles, []) as ISeriesMarkersPluginApi<unknown>;
    this.chart.subscribeCrosshairMove(({ time }) => {
      const bars = this.drawn?.bars ?? [];
      onHover(time === undefined ? null : (bars.find((b) => chartTime(b.t) === time) ?? null));
    });
    this.recolor();
  }

  /** @param intervalMillis length of a bar */
  draw(market: Market, intervalMillis: number): void {
    const before = this.drawn;
    this.drawn = market;
    this.interval = intervalMillis;
    const barsChanged = before?.bars !== market.bars;
    if (barsChanged) this.drawBars(before, market);
    const moved = before?.bars[0]?.t !== market.bars[0]?.t;
    if (before?.fills !== market.fills || moved || (barsChanged && this.fillsWait))
      this.drawFills();
    if (!sameStops(before?.stops, market.stops)) this.drawStops(market.stops);
  }

  /** Shows the newest `bars` and follows them. */
  show(bars: number): void {
    const width = this.element.clientWidth - this.chart.priceScale("right").width();
    this.chart.timeScale().applyOptions({
      barSpacing: Math.max(0.5, width / (bars + RIGHT_OFFSET)),
      rightOffset: RIGHT_OFFSET,
    });
    this.chart.timeScale().scrollToRealTime();
  }

  recolor(): void {
    const colors = palette();
    this.chart.applyOptions(chartOptions(colors));
    // Rising bars are hollow as well as of another colour: the shape tells them apart too.
    this.candles.applyOptions({
      upColor: "transparent",
      borderUpColor: colors.long,
      wickUpColor: colors.long,
      priceLineColor: colors.benchmark,
      downColor: colors.short,
      borderDownColor: colors.short,
      wickDownColor: colors.short,
    });
    if (this.drawn) {
      this.drawFills();
      this.drawStops(this.drawn.stops);
    }
  }

  remove(): void {
    this.chart.remove();
  }

  private drawBars(before: Market | null, market: Market): void {
    const last = before?.bars.at(-1);
    const grown =
      last && before?.symbol === market.symbol && before.bars[0]?.t === market.bars[0]?.t;
    if (grown) {
      for (const bar of market.bars)
        if (chartTime(bar.t) >= chartTime(last.t)) this.candles.update(candle(bar));
      return;
    }
    const places = Math.max(0, ...market.bars.map((bar) => bar.close.split(".")[1]?.length ?? 0));
    this.candles.applyOptions({
      priceFormat: {
        type: "custom",
        minMove: 10 ** -places,
        formatter: (n: number) =>
          n.toLocaleString("en-US", {
            minimumFractionDigits: places,
            maximumFractionDigits: places,
          }),
      },
    });
    this.candles.setData(rising(market.bars.map(candle)));
  }

  private drawFills(): void {
    const { bars = [], fills = [] } = this.drawn ?? {};
    const colors = palette();
    const marks = fills.flatMap((fill) => {
      const bar = bars[barOf(bars, fill.t, this.interval) ?? -1];
      const color = fill.side === "Buy" ? colors.long : colors.short;
      return bar ? [marker(fill, chartTime(bar.t), color)] : [];
    });
    this.markers.setMarkers(marks);
    const newest = fills.at(-1);
    this.fillsWait = newest !== undefined && barOf(bars, newest.t, this.interval) === null;
  }

  private drawStops(stops: StopLine[]): void {
    const { stop } = palette();
    for (const line of this.lines) this.candles.removePriceLine(line);
    this.lines = stops.map(({ price }) =>
      this.candles.createPriceLine({
        price: Number(price),
        color: stop,
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
        title: "Stop",
        axisLabelVisible: true,
      }),
    );
  }
}

function sameStops(a: StopLine[] | undefined, b: StopLine[]): boolean {
  return a?.length === b.length && a.every((line, i) => line.price === b[i]?.price);
}

function candle(bar: Bar) {
  const [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { time: chartTime(bar.t), open, high, low, close };
}

/** Buys point up from below the bar, sells down from above. */
function marker(fill: Fill, time: UTCTimestamp, color: string): SeriesMarker<UTCTimestamp> {
  return fill.side === "Buy"
    ? { time, color, position: "belowBar", shape: "arrowUp" }
    : { time, color, position: "aboveBar", shape: "arrowDown" };
}
