import { useState } from "preact/hooks";
import type { Order, OrderState } from "../contract";
import { NONE, price, quantity, time, words } from "../format";
import { isOpen, stepsOf } from "../state";
import { useStore } from "../store";
import { useAsk } from "./asking";
import { CommandButton } from "./command_button";
import { DataTable } from "./data_table";
import { DirectionMark, Tag } from "./marks";
import { Choice, Empty, Panel, useHold } from "./panel";

const ROWS = 12;

const TONES: Partial<Record<OrderState, string>> = {
  Filled: "good",
  PartiallyFilled: "good",
  Denied: "warning",
  Rejected: "warning",
  Unknown: "danger",
};

export function Orders() {
  const orders = useStore((state) => state.orders);
  const status = useStore((state) => state.status);
  const [which, setWhich] = useState<"open" | "all">("open");
  const { shown, button } = useHold(orders);
  const ask = useAsk();
  const open = shown?.filter(isOpen) ?? [];
  const rows = which === "open" ? open : (shown ?? []).slice(0, ROWS);
  return (
    <Panel
      title="Orders"
      aside={shown && <span class="number">{open.length} open</span>}
      actions={
        <>
          {button}
          <Choice
            label="Orders shown"
            options={[
              { value: "open", text: "Open" },
              { value: "all", text: "Latest" },
            ]}
            chosen={which}
            onChoose={setWhich}
          />
        </>
      }
    >
      {shown === null ? (
        <Empty>Loading…</Empty>
      ) : (
        <DataTable
          caption={which === "open" ? "Open orders" : `Latest ${ROWS} orders, newest first`}
          rows={rows}
          rowKey={(o) => o.id}
          empty={which === "open" ? "No open order." : "No order yet."}
          columns={[
            {
              label: "Order",
              heading: true,
              cell: (o) => (
                <>
                  {o.symbol} <DirectionMark of={o.side} />
                </>
              ),
            },
            {
              label: "Purpose",
              cell: (o) => <span title={words(o.type)}>{words(o.purpose)}</span>,
            },
            {
              label: "Filled",
              numeric: true,
              cell: (o) => {
                const { lot } = stepsOf(status, o.symbol);
                return `${quantity(o.filledQuantity, lot)} / ${quantity(o.quantity, lot)}`;
              },
            },
            {
              label: "Price",
              numeric: true,
              cell: (o) => <Price of={o} tick={stepsOf(status, o.symbol).tick} />,
            },
            { label: "State", wide: true, cell: (o) => <StateCell order={o} /> },
            { label: "Updated (UTC)", numeric: true, wide: true, cell: (o) => time(o.updatedAt) },
            {
              label: "Action",
              wide: true,
              cell: (o) => (
                <span class="buttons">
                  <button
                    type="button"
                    class="small"
                    onClick={() => ask({ kind: "Why", id: o.id })}
                  >
                    Why <span class="hidden">{o.id}</span>
                  </button>
                  {isOpen(o) && (
                    <CommandButton
                      class="small"
                      disabled={o.pending === "Cancel"}
                      asks={{ kind: "Cancel", order: o }}
                    >
                      Cancel <span class="hidden">{o.id}</span>
                    </CommandButton>
                  )}
                </span>
              ),
            },
          ]}
        />
      )}
    </Panel>
  );
}

function StateCell({ order }: { order: Order }) {
  return (
    <>
      <Tag tone={TONES[order.state] ?? ""}>{words(order.state)}</Tag>
      {order.pending && <Tag tone="warning">{order.pending} pending</Tag>}
      {order.reason && <div class="reason">{order.reason}</div>}
    </>
  );
}

/** The price that says most: what it filled at, else its trigger, else its limit. */
function Price({ of: order, tick }: { of: Order; tick: string | undefined }) {
  if (order.averagePrice)
    return <span title="average fill price">{price(order.averagePrice, tick)}</span>;
  if (order.stopPrice) return <span title="trigger price">{price(order.stopPrice, tick)}</span>;
  if (order.price) return <span title="limit price">{price(order.price, tick)}</span>;
  return <span class="quiet">{order.type === "Market" ? "Market" : NONE}</span>;
}
