/** Equity against buy-and-hold above, drawdown below, over the whole run. */

import {
  AreaSeries,
  createChart,
  type IChartApi,
  type ISeriesApi,
  LineSeries,
  LineStyle,
} from "lightweight-charts";
import type { EquityPoint } from "../contract";
import { chartOptions, chartTime, palette, rising } from "./appearance";

const wholeUnits = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const DRAWDOWN_PANE = 1;

export class EquityChart {
  private readonly chart: IChartApi;
  private readonly equity: ISeriesApi<"Area">;
  private readonly benchmark: ISeriesApi<"Line">;
  private readonly drawdown: ISeriesApi<"Area">;
  private points: EquityPoint[] = [];

  /** @param onHover told the point under the pointer, or null when it leaves */
  constructor(element: HTMLElement, onHover: (point: EquityPoint | null) => void) {
    this.chart = createChart(element, chartOptions(palette()));
    const amount = {
      type: "custom",
      minMove: 0.01,
      formatter: (n: number) => wholeUnits.format(n),
    } as const;
    const share = {
      type: "custom",
      minMove: 0.0001,
      formatter: (n: number) => `${(n * 100).toFixed(1)}%`,
    } as const;
    const quiet = { priceLineVisible: false, lastValueVisible: false };
    this.benchmark = this.chart.addSeries(LineSeries, {
      ...quiet,
      lineWidth: 1,
      lineStyle: LineStyle.Dashed,
      priceFormat: amount,
    });
    this.equity = this.chart.addSeries(AreaSeries, {
      ...quiet,
      lastValueVisible: true,
      lineWidth: 2,
      priceFormat: amount,
    });
    this.drawdown = this.chart.addSeries(
      AreaSeries,
      { ...quiet, lineWidth: 1, invertFilledArea: true, priceFormat: share },
      DRAWDOWN_PANE,
    );
    this.chart.panes()[0]?.setStretchFactor(2);
    this.chart.panes()[DRAWDOWN_PANE]?.setStretchFactor(1);
    this.chart.timeScale().applyOptions({ fixLeftEdge: true, fixRightEdge: true });
    this.chart.subscribeCrosshairMove(({ time }) => {
      onHover(
        time === undefined ? null : (this.points.find((p) => chartTime(p.t) === time) ?? null),
      );
    });
    this.recolor();
  }

  draw(points: EquityPoint[]): void {
    this.points = points;
    const line = (value: (p: EquityPoint) => number) =>
      rising(points.map((p) => ({ time: chartTime(p.t), value: value(p) })));
    this.equity.setData(line((p) => Number(p.equity)));
    this.benchmark.setData(line((p) => Number(p.buyAndHold)));
    this.drawdown.setData(line((p) => -Number(p.drawdown)));
    this.chart.timeScale().fitContent();
  }

  recolor(): void {
    const colors = palette();
    this.chart.applyOptions(chartOptions(colors));
    this.equity.applyOptions({
      lineColor: colors.equity,
      topColor: colors.equityFill,
      bottomColor: "transparent",
    });
    this.benchmark.applyOptions({ color: colors.benchmark });
    this.drawdown.applyOptions({
      lineColor: colors.drawdown,
      topColor: colors.drawdownFill,
      bottomColor: colors.drawdownFill,
    });
  }

  remove(): void {
    this.chart.remove();
  }
}
