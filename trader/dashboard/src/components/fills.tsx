import { price, quantity, shortTime, time, words } from "../format";
import { shownSymbol, stepsOf } from "../state";
import { useStore } from "../store";
import { DataTable } from "./data_table";
import { DirectionMark } from "./marks";
import { Empty, Panel, useHold } from "./panel";

const ROWS = 8;

export function Fills() {
  const symbol = useStore(shownSymbol);
  const fills = useStore((state) => (symbol ? state.markets[symbol]?.fills : undefined));
  const { tick, lot } = stepsOf(
    useStore((state) => state.status),
    symbol,
  );
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
            empty="No fill in the time shown."
            columns={[
              {
                // Below each other: side by side they are wider than the column.
                label: "Time (UTC), purpose",
                heading: true,
                cell: (f) => (
                  <>
                    <span class="number" title={time(f.t)}>
                      {shortTime(f.t)}
                    </span>
                    <div class="quiet">{words(f.purpose)}</div>
                  </>
                ),
              },
              { label: "Side", cell: (f) => <DirectionMark of={f.side} /> },
              { label: "Quantity", numeric: true, cell: (f) => quantity(f.quantity, lot) },
              { label: "Price", numeric: true, cell: (f) => price(f.price, tick) },
            ]}
          />
        </div>
      )}
    </Panel>
  );
}
