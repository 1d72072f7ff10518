import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Status } from "./contract";
import { follow } from "./live";
import { type Action, initialState, reduce, type State } from "./state";

/** A trader whose stream begins with its status, and goes on with what the test writes. */
class FakeTrader {
  stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  refusal: Response | null = null;
  unreachable = false;
  silent = false;
  sequence = 1;
  symbols: string[] = [];
  asked: { path: string; headers: Headers }[] = [];

  readonly fetch = async (path: string, init: RequestInit): Promise<Response> => {
    this.asked.push({ path, headers: new Headers(init.headers) });
    if (this.unreachable) throw new TypeError("fetch failed");
    if (this.refusal) return this.refusal.clone();
    if (path === "/api/stream?history=true") return this.open(init.signal ?? null);
    return Response.json({ symbol: "ETHUSD", bars: [], fills: [], stops: [] });
  };

  write(text: string): void {
    this.stream?.enqueue(new TextEncoder().encode(text));
  }

  tell(event: string, body: unknown): void {
    this.write(`event: ${event}\ndata: ${JSON.stringify(body)}\n\n`);
  }

  status(sequence: number): void {
    this.tell("status", statusAt(sequence, this.symbols));
  }

  private open(signal: AbortSignal | null): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.stream = controller;
        signal?.addEventListener("abort", () => {
          try {
            controller.error(signal.reason);
          } catch {
            // It had ended before.
          }
        });
      },
    });
    if (!this.silent) this.status(this.sequence);
    return new Response(body);
  }
}

const statusAt = (sequence: number, symbols: string[]) =>
  ({
    runId: "run",
    symbols: symbols.map((symbol) => ({ symbol })),
    journal: { sequence, hash: "" },
  }) as unknown as Status;

let trader: FakeTrader;
let state: State;
let lost: Extract<Action, { type: "Lost" }>[];
let cancel: AbortController;
let kept: Record<string, string>;

/** As long as events are gathered before they are shown. */
const GATHERED = 40;
const settle = (millis = GATHERED) => vi.advanceTimersByTimeAsync(millis);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-01T00:00:00Z") });
  vi.spyOn(Math, "random").mockReturnValue(0);
  trader = new FakeTrader();
  kept = {};
  vi.stubGlobal("fetch", trader.fetch);
  vi.stubGlobal("sessionStorage", { getItem: (key: string) => kept[key] ?? null });
  state = initialState;
  lost = [];
  cancel = new AbortController();
});

/** Starts following and lets the stream begin. */
async function start(): Promise<void> {
  const dispatch = (action: Action) => {
    if (action.type === "Lost") lost.push(action);
    state = reduce(state, action);
  };
  void follow({ getState: () => state, dispatch }, cancel.signal);
  await settle();
}

afterEach(() => {
  cancel.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("follow", () => {
  it("shows everything by one request, and follows it", async () => {
    await start();
    expect(state.connection.kind).toBe("Live");
    trader.tell("positions", { positions: [] });
    trader.tell("health", { feedErrors: 3 });
    trader.tell("portfolio", { equity: "1", history: [] });
    trader.status(5);
    await settle(20_000);
    expect([state.positions, state.health?.feedErrors]).toEqual([[], 3]);
    expect(state.portfolio?.equity).toBe("1");
    expect(state.status?.journal.sequence).toBe(5);
    expect(trader.asked.map(({ path }) => path)).toEqual(["/api/stream?history=true"]);
  });

  it("shows a look's events at once, however they arrive", async () => {
    await start();
    trader.tell("portfolio", { equity: "2", history: [] });
    await settle(10);
    trader.status(7);
    await settle(10);
    expect([state.portfolio, state.status?.journal.sequence]).toEqual([null, 1]);
    await settle();
    expect([state.portfolio?.equity, state.status?.journal.sequence]).toEqual(["2", 7]);
  });

  it("shows events at once in a hidden tab, whose timers a browser holds back", async () => {
    vi.stubGlobal("document", { visibilityState: "hidden" });
    await start();
    trader.status(8);
    await settle(0);
    expect(state.status?.journal.sequence).toBe(8);
  });

  it("is not live before the desk has shown itself", async () => {
    trader.silent = true;
    await start();
    expect(state.connection.kind).toBe("Connecting");
    trader.status(1);
    await settle();
    expect(state.connection.kind).toBe("Live");
  });

  it("loads the history of another symbol that the reader had chosen", async () => {
    trader.symbols = ["BTCUSD", "ETHUSD"];
    await start();
    state = reduce(state, { type: "SymbolChosen", symbol: "ETHUSD" });
    trader.stream?.close();
    await settle(1_000 + GATHERED);
    expect(trader.asked.at(-1)?.path).toBe("/api/market?symbol=ETHUSD&points=500");
    expect(state.markets.ETHUSD).toBeDefined();
  });

  it("says since when it is stale and reconnects when the stream ends", async () => {
    await start();
    await settle(4_000);
    trader.write(": keep-alive\n\n");
    await settle(0);
    const heard = new Date();
    await settle(2_000);
    trader.stream?.close();
    await settle(0);
    expect(lost[0]?.since).toEqual(heard);
    expect(lost[0]?.retryAt).toEqual(new Date(Date.now() + 1_000));
    expect(state.connection.kind).toBe("Stale");
    trader.sequence = 42;
    await settle(1_000 + GATHERED);
    expect(trader.asked).toHaveLength(2);
    expect(state.connection.kind).toBe("Live");
    expect(state.status?.journal.sequence).toBe(42);
  });

  it("waits longer each time nobody answers, and starts over once it is live again", async () => {
    await start();
    trader.unreachable = true;
    trader.stream?.close();
    await settle(60_000);
    const waits = lost.map(
      (l, i) => l.retryAt.getTime() - (lost[i - 1]?.retryAt ?? l.retryAt).getTime(),
    );
    expect(waits.slice(1, 5)).toEqual([2_000, 4_000, 8_000, 16_000]);
    trader.unreachable = false;
    await settle(30_000);
    expect(state.connection.kind).toBe("Live");
    lost = [];
    trader.stream?.close();
    await settle(0);
    expect(lost[0]?.retryAt.getTime()).toBe(Date.now() + 1_000);
  });

  it("takes silence for a dead connection, but not while keep-alives come", async () => {
    await start();
    for (let i = 0; i < 6; i++) {
      await settle(10_000);
      trader.write(": keep-alive\n\n");
    }
    await settle();
    expect(state.connection.kind).toBe("Live");
    await settle(25_000);
    expect(state.connection).toMatchObject({ kind: "Stale", cause: "nothing was heard for 25 s" });
  });

  it("waits as long as a refusal asks, in a person's words, and keeps what was shown", async () => {
    await start();
    const message = "60 streams a minute are opened: wait as `retry-after` says";
    const error = { code: "TooManyRequests", message };
    trader.refusal = Response.json({ error }, { status: 429, headers: { "retry-after": "20" } });
    trader.stream?.close();
    await settle(1_000);
    expect(lost.at(-1)?.cause).toBe("too many requests came from this computer in the last minute");
    expect(lost.at(-1)?.retryAt.getTime()).toBe(Date.now() + 20_000);
    expect(state.status).not.toBeNull();
    trader.refusal = null;
    await settle(20_000 + GATHERED);
    expect(state.connection.kind).toBe("Live");
  });

  it("survives an event that is not JSON by beginning again", async () => {
    await start();
    trader.write("event: status\ndata: {broken\n\n");
    await settle();
    expect(lost.at(-1)?.cause).toBe("the trader sent something that is not JSON");
    await settle(1_000 + GATHERED);
    expect(state.connection.kind).toBe("Live");
  });

  it("sends the token with the stream, which lifts the limit", async () => {
    await start();
    expect(trader.asked.every(({ headers }) => !headers.has("authorization"))).toBe(true);
    kept["sapphire.token"] = "secret";
    trader.asked = [];
    trader.stream?.close();
    await settle(1_000);
    expect(trader.asked.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer secret",
    ]);
  });
});
