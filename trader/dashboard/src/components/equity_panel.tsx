import { useEffect, useRef, useState } from "preact/hooks";
import { EquityChart } from "../charts/equity";
import type { EquityPoint, Portfolio } from "../contract";
import { change, money, percent, time } from "../format";
import { useStore } from "../store";
import { useDark } from "../theme";
import { DataTable } from "./data_table";
import { Panel } from "./panel";

/** Rows of the table that stands in for the chart, spread over the run. */
const TABLE_ROWS = 20;

export function EquityPanel() {
  const portfolio = useStore((state) => state.portfolio);
  const history = portfolio?.history;
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<EquityChart | null>(null);
  const [hovered, setHovered] = useState<EquityPoint | null>(null);
  const [tableOpen, setTableOpen] = useState(false);
  const dark = useDark();

  useEffect(() => {
    if (!element.current) return;
    chart.current = new EquityChart(element.current, setHovered);
    return () => chart.current?.remove();
  }, []);
  useEffect(() => {
    if (history) chart.current?.draw(history);
  }, [history]);
  useEffect(() => chart.current?.recolor(), [dark]);

  const point = hovered ?? history?.at(-1);
  return (
    <Panel
      title="Equity and drawdown"
      aside={
        <ul class="legend number">
          <li class="key-equity">Equity {money(point?.equity)}</li>
          <li class="key-benchmark">Buy and hold {money(point?.buyAndHold)}</li>
          <li class="key-drawdown">Drawdown {percent(point?.drawdown)}</li>
          {hovered && <li class="quiet">{time(hovered.t)}</li>}
        </ul>
      }
    >
      <div
        class="chart chart-equity"
        ref={element}
        role="img"
        aria-label={summary(portfolio)}
        data-testid="equity-chart"
      />
      <details class="chart-table" onToggle={(event) => setTableOpen(event.currentTarget.open)}>
        <summary>Equity as a table</summary>
        {tableOpen && (
          <DataTable
            dense
            caption="Equity, buy and hold, and drawdown over the run"
            columns={[
              { label: "Time (UTC)", cell: (p) => time(p.t), heading: true },
              { label: "Equity", cell: (p) => money(p.equity), numeric: true },
              { label: "Buy and hold", cell: (p) => money(p.buyAndHold), numeric: true },
              { label: "Drawdown", cell: (p) => percent(p.drawdown), numeric: true },
            ]}
            rows={spread(history ?? [])}
            rowKey={(p) => p.t}
            empty="No equity yet."
          />
        )}
      </details>
    </Panel>
  );
}

function summary(portfolio: Portfolio | null): string {
  const last = portfolio?.history.at(-1);
  if (!portfolio || !last) return "Chart of equity and drawdown: no data yet.";
  const total = percent(change(last.equity, portfolio.initialBalance), 2, true);
  const held = percent(change(last.buyAndHold, portfolio.initialBalance), 2, true);
  return `Chart of equity and drawdown to ${time(last.t)} UTC: equity ${money(last.equity)} (${total}), buy and hold ${money(last.buyAndHold)} (${held}), drawdown ${percent(last.drawdown)}.`;
}

/** Newest first, at even distances, the last point always among them. */
function spread(history: EquityPoint[]): EquityPoint[] {
  const step = Math.max(1, Math.ceil(history.length / TABLE_ROWS));
  return [...history].reverse().filter((_, i) => i % step === 0);
}
