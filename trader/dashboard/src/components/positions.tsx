import type { Position } from "../contract";
import { money, NONE, price, quantity, time } from "../format";
import { stepsOf } from "../state";
import { useStore } from "../store";
import { CommandButton } from "./command_button";
import { DataTable } from "./data_table";
import { DirectionMark, Signed, Tag } from "./marks";
import { Empty, Panel } from "./panel";

export function Positions() {
  const positions = useStore((state) => state.positions);
  const status = useStore((state) => state.status);
  const tick = (p: Position) => stepsOf(status, p.symbol).tick;
  const lot = (p: Position) => stepsOf(status, p.symbol).lot;
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
            { label: "Quantity", numeric: true, cell: (p) => quantity(p.quantity, lot(p)) },
            {
              label: "Entry",
              numeric: true,
              cell: (p) => (
                <span title={`${time(p.openedAt)} UTC`}>{price(p.entryPrice, tick(p))}</span>
              ),
            },
            { label: "Mark", numeric: true, cell: (p) => price(p.markPrice, tick(p)) },
            {
              label: "Stop",
              numeric: true,
              cell: (p) => (
                <span data-testid="stop">
                  <Level of={p.stopPrice} tick={tick(p)} />
                </span>
              ),
            },
            {
              label: "Target",
              numeric: true,
              cell: (p) => <Level of={p.takeProfitPrice} tick={tick(p)} />,
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
                <CommandButton class="small" asks={{ kind: "Close", position: p }}>
                  Close <span class="hidden">{p.symbol}</span>
                </CommandButton>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Level({ of, tick }: { of: string | null; tick: string | undefined }) {
  return of ? price(of, tick) : <span class="quiet">{NONE}</span>;
}
