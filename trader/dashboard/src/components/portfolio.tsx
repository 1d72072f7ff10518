import type { ComponentChildren } from "preact";
import { change, money, percent, time } from "../format";
import { useStore } from "../store";
import { Signed, Tag } from "./marks";

/** The portfolio in one row: equity first, then what it is made of. */
export function PortfolioStrip() {
  const portfolio = useStore((state) => state.portfolio);
  if (!portfolio) return <section class="strip" aria-label="Portfolio" aria-busy="true" />;
  const p = portfolio;
  const total = change(p.equity, p.initialBalance);
  const held = change(p.buyAndHold, p.initialBalance);
  return (
    <section class="strip" aria-label={`Portfolio as of ${time(p.asOf)} UTC`}>
      <dl>
        <Figure
          label="Equity"
          class="lead"
          note={<Signed value={total}>{percent(total, 2, true)}</Signed>}
        >
          <span data-testid="equity">{money(p.equity)}</span>
        </Figure>
        <Figure label="Buy and hold" note={<Signed value={held}>{percent(held, 2, true)}</Signed>}>
          {money(p.buyAndHold)}
        </Figure>
        <Figure
          label="Drawdown"
          note={<Tag tone={p.drawdownState === "Normal" ? "" : "warning"}>{p.drawdownState}</Tag>}
        >
          {percent(p.drawdown)}
        </Figure>
        <Figure label="Daily loss" note="since 00:00 UTC">
          {percent(p.dailyLoss)}
        </Figure>
        <Figure label="Unrealised P&L" note="at mark">
          <Signed value={p.unrealizedPnl}>{money(p.unrealizedPnl, true)}</Signed>
        </Figure>
        <Figure label="Realised P&L" note="closed trades">
          <Signed value={p.realizedPnl}>{money(p.realizedPnl, true)}</Signed>
        </Figure>
        <Figure label="Fees" note={`funding ${money(p.funding)}`}>
          {money(p.fees)}
        </Figure>
        <Figure label="Wallet" note={`high water ${money(p.highWaterMark)}`}>
          {money(p.walletBalance)}
        </Figure>
      </dl>
    </section>
  );
}

interface FigureProps {
  label: string;
  note?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

function Figure({ label, note, class: name = "", children }: FigureProps) {
  return (
    <div class={`figure ${name}`}>
      <dt>{label}</dt>
      <dd class="number figure-value">{children}</dd>
      <dd class="number figure-note">{note}</dd>
    </div>
  );
}
