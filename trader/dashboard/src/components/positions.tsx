import { exact, money, NONE, time } from "../format";
import { useStore } from "../store";
import { useAsk } from "./asking";
import { DataTable } from "./data_table";
import { DirectionMark, Signed, Tag } from "./marks";
import { Empty, Panel } from "./panel";

export function Positions() {
  const positions = useStore((state) => state.positions);
  const ask = useAsk();
  return (
    <Panel title="Positions" aside={positions && <span class="number">{positions.length}</span>}>
      {positions === null ? (
        <Empty>Loading…</Empty>
      ) : (
        <DataTable
          caption="Open positions"
          rows={positions}
          rowKey={(p) => p.symbol}
          empty="No open position: the desk is flat."
          columns={[
            {
              label: "Symbol",
              heading: true,
              cell: (p) => (
                <>
                  {p.symbol} <DirectionMark of={p.side} />
                  {!p.verified && <Tag tone="warning">Unverified</Tag>}
                </>
              ),
            },
            { label: "Quantity", numeric: true, cell: (p) => exact(p.quantity) },
            {
              label: "Entry",
              numeric: true,
              cell: (p) => <span title={`${time(p.openedAt)} UTC`}>{exact(p.entryPrice)}</span>,
            },
            { label: "Mark", numeric: true, cell: (p) => exact(p.markPrice) },
            {
              label: "Stop",
              numeric: true,
              cell: (p) => (p.stopPrice ? exact(p.stopPrice) : <span class="quiet">{NONE}</span>),
            },
            {
              label: "Target",
              numeric: true,
              cell: (p) =>
                p.takeProfitPrice ? exact(p.takeProfitPrice) : <span class="quiet">{NONE}</span>,
            },
            { label: "Notional", numeric: true, cell: (p) => money(p.notional) },
            {
              label: "Unrealised",
              numeric: true,
              cell: (p) => <Signed value={p.unrealizedPnl}>{money(p.unrealizedPnl, true)}</Signed>,
            },
            {
              label: "Realised",
              numeric: true,
              cell: (p) => <Signed value={p.realizedPnl}>{money(p.realizedPnl, true)}</Signed>,
            },
            {
              label: "Action",
              wide: true,
              cell: (p) => (
                <button
                  type="button"
                  class="small"
                  onClick={() => ask({ kind: "Close", position: p })}
                >
                  Close <span class="hidden">{p.symbol}</span>
                </button>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}
