import { describe, expect, it } from "vitest";
import type { Bar, Market, Order, OrderState, Portfolio, Status } from "./contract";
import { type Action, initialState, isOpen, reduce, type State, shownSymbol } from "./state";

const bar = (t: string): Bar => ({ t, open: "1", high: "1", low: "1", close: "1", volume: "0" });
const market: Market = {
  symbol: "BTCUSD",
  barInterval: "1h",
  bars: [bar("2018-01-01T00:00:00Z")],
  fills: [],
  stops: [],
};
const status = (runId: string, symbols: string[] = ["BTCUSD", "ETHUSD"]) =>
  ({ runId, symbols: symbols.map((symbol) => ({ symbol })) }) as Status;
const given = (...actions: Action[]): State => actions.reduce(reduce, initialState);
const updated = (body: Status): Action => ({ type: "Updated", part: "status", body });

describe("state", () => {
  it("follows one run: another run's id clears what the last one left", () => {
    const state = given(
      updated(status("a")),
      { type: "MarketLoaded", body: market },
      { type: "Updated", part: "orders", body: { orders: [] } },
      { type: "Connected" },
      updated(status("b")),
    );
    expect(state.status?.runId).toBe("b");
    expect([state.markets, state.orders]).toEqual([{}, null]);
    expect(state.connection).toEqual({ kind: "Live" });
  });

  it("keeps everything when the same run reports again", () => {
    const state = given(
      updated(status("a")),
      { type: "MarketLoaded", body: market },
      updated(status("a")),
    );
    expect(state.markets.BTCUSD).toBeDefined();
  });

  it("remembers since when it is stale and why, and keeps the last figures", () => {
    const [since, retryAt] = [new Date(1), new Date(2)];
    const state = given(updated(status("a")), { type: "Lost", since, retryAt, cause: "gone" });
    expect(state.connection).toEqual({ kind: "Stale", since, retryAt, cause: "gone" });
    expect(state.status?.runId).toBe("a");
  });

  it("adds a streamed point to the loaded history and replaces the figures", () => {
    const point = (t: string) => ({ t, equity: "1", drawdown: "0", buyAndHold: "1" });
    const loaded = { equity: "1", history: [point("2018-01-01T00:00:00Z")] } as Portfolio;
    const { history: _, ...figures } = loaded;
    const state = given(
      { type: "PortfolioLoaded", body: loaded },
      {
        type: "PortfolioUpdated",
        body: { ...figures, equity: "2", point: point("2018-01-01T01:00:00Z") },
      },
      { type: "PortfolioUpdated", body: { ...figures, equity: "3" } },
    );
    expect(state.portfolio?.equity).toBe("3");
    expect(state.portfolio?.history).toHaveLength(2);
  });

  it("ignores updates of a symbol that was not loaded", () => {
    const body = { symbol: "ETHUSD", bar: bar("2018-01-01T00:00:00Z"), fills: [], stops: [] };
    expect(given({ type: "MarketUpdated", body })).toBe(initialState);
  });

  it("takes one bar or all bars since the last update", () => {
    const news = { symbol: "BTCUSD", fills: [], stops: [] };
    const state = given(
      { type: "MarketLoaded", body: market },
      { type: "MarketUpdated", body: { ...news, bar: bar("2018-01-01T01:00:00Z") } },
      {
        type: "MarketUpdated",
        body: { ...news, bars: [bar("2018-01-01T02:00:00Z"), bar("2018-01-01T03:00:00Z")] },
      },
    );
    expect(state.markets.BTCUSD?.bars).toHaveLength(4);
    expect(state.gaps).toEqual([]);
  });

  it("holds bars back after a gap until a load closes it, but not the stops", () => {
    const news = { symbol: "BTCUSD", fills: [], stops: [{ price: "9", orderId: "O" }] };
    const body = { ...news, bar: bar("2018-01-01T09:00:00Z") };
    const gap = given({ type: "MarketLoaded", body: market }, { type: "MarketUpdated", body });
    expect(gap.gaps).toEqual(["BTCUSD"]);
    expect(gap.markets.BTCUSD?.bars).toHaveLength(1);
    expect(gap.markets.BTCUSD?.stops).toEqual(news.stops);
    const closed = reduce(gap, { type: "MarketLoaded", body: { ...market, bars: [body.bar] } });
    expect(closed.gaps).toEqual([]);
  });

  it("shows the chosen symbol while the desk has it, else the first", () => {
    const chosen = given(updated(status("a")), { type: "SymbolChosen", symbol: "ETHUSD" });
    expect(shownSymbol(chosen)).toBe("ETHUSD");
    expect(shownSymbol(reduce(chosen, updated(status("a", ["BTCUSD"]))))).toBe("BTCUSD");
    expect(shownSymbol(initialState)).toBeNull();
  });

  it.each<[OrderState, boolean]>([
    ["Accepted", true],
    ["PartiallyFilled", true],
    ["Unknown", true],
    ["Filled", false],
    ["Denied", false],
    ["NotAccepted", false],
    ["Expired", false],
  ])("counts an order that is %s as open: %s", (state, open) => {
    expect(isOpen({ state } as Order)).toBe(open);
  });
});
