import { describe, expect, it } from "vitest";
import type {
  Bar,
  Market,
  Order,
  OrderState,
  Phase,
  Portfolio,
  StateReason,
  Status,
} from "./contract";
import {
  type Action,
  canResume,
  commandsOff,
  initialState,
  isOpen,
  reduce,
  type State,
  shownSymbol,
  stepsOf,
} from "./state";

const bar = (t: string): Bar => ({ t, open: "1", high: "1", low: "1", close: "1", volume: "0" });
const market: Market = {
  symbol: "BTCUSD",
  bars: [bar("2018-01-01T00:00:00Z")],
  fills: [],
  stops: [],
};
const status = (runId: string, symbols: string[] = ["BTCUSD", "ETHUSD"]) =>
  ({ runId, symbols: symbols.map((symbol) => ({ symbol })) }) as Status;
const given = (...actions: Action[]): State => actions.reduce(reduce, initialState);
const updated = (body: Status): Action => ({ type: "Updated", part: "status", body });

describe("state", () => {
  it("follows one run: another run's id clears what the last one left, not what came with it", () => {
    const other = { ...market, bars: [bar("2019-01-01T00:00:00Z")] };
    const state = given(
      updated(status("a")),
      { type: "MarketUpdated", body: market },
      { type: "Updated", part: "orders", body: { orders: [] } },
      { type: "Connected" },
      { type: "Began" },
      { type: "MarketUpdated", body: other },
      updated(status("b")),
    );
    expect(state.status?.runId).toBe("b");
    expect([state.markets.BTCUSD?.bars, state.orders]).toEqual([other.bars, null]);
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
      { type: "PortfolioUpdated", body: loaded },
      {
        type: "PortfolioUpdated",
        body: { ...figures, equity: "2", point: point("2018-01-01T01:00:00Z") },
      },
      { type: "PortfolioUpdated", body: { ...figures, equity: "3" } },
    );
    expect(state.portfolio?.equity).toBe("3");
    expect(state.portfolio?.history).toHaveLength(2);
  });

  it("draws every bar that the stream tells, a hole in the data among them", () => {
    const hours = (...all: number[]) => all.map((h) => bar(`2018-01-01T0${h}:00:00Z`));
    const news = (...all: number[]): Action => ({
      type: "MarketUpdated",
      body: { symbol: "BTCUSD", bars: hours(...all), fills: [], stops: [] },
    });
    const state = given(news(0, 1), news(2), news(), news(8, 9));
    expect(state.markets.BTCUSD?.bars).toEqual(hours(0, 1, 2, 8, 9));
  });

  it("puts a load under what the stream has told, and undoes nothing newer", () => {
    const [older, newer] = [bar("2018-01-01T00:00:00Z"), bar("2018-01-01T05:00:00Z")];
    const stops = [{ price: "9", orderId: "o9" }];
    const state = given(
      { type: "MarketUpdated", body: { symbol: "BTCUSD", bars: [newer], fills: [], stops } },
      { type: "MarketLoaded", body: { ...market, bars: [older], stops: [] } },
    );
    expect(state.markets.BTCUSD?.bars).toEqual([older, newer]);
    expect(state.markets.BTCUSD?.stops).toEqual(stops);
  });

  it("forgets the charts of a stream that broke, so that no gap is drawn over", () => {
    const later = bar("2018-01-09T00:00:00Z");
    const state = given(
      { type: "MarketUpdated", body: market },
      { type: "Began" },
      { type: "MarketUpdated", body: { ...market, bars: [later] } },
    );
    expect(state.markets.BTCUSD?.bars).toEqual([later]);
  });

  it.each<[Phase, RegExp | null]>([
    ["Running", null],
    ["Finished", /run is over/],
    ["Stopping", /leaving/],
    ["Failed", /has failed/],
  ])("takes commands or says why not while the run is %s", (phase, why) => {
    const off = commandsOff(given(updated({ ...status("a"), phase })));
    if (why) expect(off).toMatch(why);
    else expect(off).toBeNull();
  });

  it("offers to resume what a command or the engine set, and not what the policy sets", () => {
    const by = (...sources: StateReason["source"][]) =>
      ({ tradingStateReasons: sources.map((source) => ({ source })) }) as Status;
    expect(canResume(by())).toBe(false);
    expect(canResume(by("Policy"))).toBe(false);
    expect(canResume(by("Policy", "Engine"))).toBe(true);
    expect(canResume(by("Command"))).toBe(true);
  });

  it("knows a symbol's steps, and none of a symbol that the desk has not", () => {
    const desk = { symbols: [{ symbol: "BTCUSD", tickSize: "0.01", lotSize: "0.001" }] } as Status;
    expect(stepsOf(desk, "BTCUSD")).toEqual({ tick: "0.01", lot: "0.001" });
    expect(stepsOf(desk, "ETHUSD")).toEqual({ tick: undefined, lot: undefined });
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
