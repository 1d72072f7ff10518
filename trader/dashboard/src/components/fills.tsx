import { exact, shortTime, time, words } from "../format";
import { shownSymbol } from "../state";
import { useStore } from "../store";
import { DataTable } from "./data_table";
import { DirectionMark } from "./marks";
import { Empty, Panel, useHold } from "./panel";

const ROWS = 8;

export function Fills() {
  const symbol = useStore(shownSymbol);
  const fills = useStore((state) => (symbol ? state.markets[symbol]?.fills : undefined));
  const { shown, button } = useHold(fills);
  return (
    <Panel title={symbol ? `Fills of ${symbol}` : "Fills"} actions={button}>
      {shown === undefined ? (
        <Empty>Loading…</Empty>
      ) : (
        <div data-testid="fills">
          <DataTable
            dense
            caption={`Latest ${ROWS} fills, newest first`}
            rows={shown.slice(-ROWS).reverse()}
            rowKey={(f) => `${f.orderId} ${f.t} ${f.price} ${f.quantity}`}
            empty="No fill yet."
            columns={[
              {
                label: "Time (UTC)",
                heading: true,
                cell: (f) => <span title={time(f.t)}>{shortTime(f.t)}</span>,
              },
              { label: "Side", cell: (f) => <DirectionMark of={f.side} /> },
              { label: "Quantity", numeric: true, cell: (f) => exact(f.quantity) },
              { label: "Price", numeric: true, cell: (f) => exact(f.price) },
              { label: "Purpose", cell: (f) => words(f.purpose) },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}
