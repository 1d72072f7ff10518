import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Status } from "./contract";
import { follow } from "./live";
import { type Action, initialState, reduce, type State } from "./state";

/** A trader whose stream the test writes, and whose reads answer with what the test sets. */
class FakeTrader {
  stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  streams = 0;
  refusal: Response | null = null;
  unreachable = false;
  sequence = 1;
  headers: Headers[] = [];
  private holds: (() => void)[] = [];
  holding = false;

  readonly fetch = async (path: string, init: RequestInit): Promise<Response> => {
    this.headers.push(new Headers(init.headers));
    if (this.unreachable) throw new TypeError("fetch failed");
    if (path === "/api/stream") return this.open(init.signal ?? null);
    const body = this.body(path);
    if (this.holding) await new Promise<void>((resolve) => this.holds.push(resolve));
    return Response.json(body);
  };

  release(): void {
    this.holding = false;
    for (const release of this.holds.splice(0)) release();
  }

  write(text: string): void {
    this.stream?.enqueue(new TextEncoder().encode(text));
  }

  status(sequence: number): void {
    this.write(`event: status\ndata: ${JSON.stringify(statusAt(sequence))}\n\n`);
  }

  private open(signal: AbortSignal | null): Response {
    this.streams += 1;
    if (this.refusal) return this.refusal.clone();
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
    return new Response(body);
  }

  private body(path: string): unknown {
    const bodies: Record<string, unknown> = {
      "/api/system-status": statusAt(this.sequence),
      "/api/positions": { positions: [] },
      "/api/orders": { orders: [] },
      "/api/agents": { agents: [] },
      "/api/decisions": { rounds: [] },
      "/api/portfolio": { equity: "1", history: [] },
    };
    return bodies[path.split("?")[0] ?? ""] ?? {};
  }
}

const statusAt = (sequence: number) =>
  ({ runId: "run", symbols: [], journal: { sequence, hash: "" } }) as unknown as Status;

let trader: FakeTrader;
let state: State;
let lost: Extract<Action, { type: "Lost" }>[];
let cancel: AbortController;
let kept: Record<string, string>;

const settle = (millis = 0) => vi.advanceTimersByTimeAsync(millis);

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

/** Starts following and lets the first load finish, unless the trader holds it. */
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
  it("loads everything, then follows the stream", async () => {
    await start();
    expect(state.connection.kind).toBe("Live");
    expect(state.positions).toEqual([]);
    trader.status(5);
    await settle();
    expect(state.status?.journal.sequence).toBe(5);
  });

  it("lets no slow load overwrite a newer event", async () => {
    trader.holding = true;
    await start();
    trader.status(9);
    await settle();
    while (trader.holding || state.connection.kind !== "Live") {
      trader.release();
      await settle();
    }
    expect(state.status?.journal.sequence).toBe(9);
  });

  it("says since when it is stale and reconnects when the stream ends", async () => {
    await start();
    await settle(4_000);
    trader.write(": keep-alive\n\n");
    await settle();
    const heard = new Date();
    await settle(2_000);
    trader.stream?.close();
    await settle();
    expect(lost[0]?.since).toEqual(heard);
    expect(lost[0]?.retryAt).toEqual(new Date(Date.now() + 1_000));
    expect(state.connection.kind).toBe("Stale");
    trader.sequence = 42;
    await settle(1_000);
    expect(trader.streams).toBe(2);
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
    await settle();
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

  it("waits as long as a refusal asks and shows the trader's words", async () => {
    await start();
    const error = { code: "TooManyRequests", message: "60 requests a minute" };
    trader.refusal = Response.json({ error }, { status: 429, headers: { "retry-after": "20" } });
    trader.stream?.close();
    await settle(1_000);
    expect(lost.at(-1)?.cause).toBe("60 requests a minute");
    expect(lost.at(-1)?.retryAt.getTime()).toBe(Date.now() + 20_000);
  });

  it("survives an event that is not JSON by beginning again", async () => {
    await start();
    trader.write("event: status\ndata: {broken\n\n");
    await settle();
    expect(lost.at(-1)?.cause).toBe("the trader sent something that is not JSON");
    await settle(1_000);
    expect(state.connection.kind).toBe("Live");
  });

  it("sends the token with reads, which lifts the limit of requests", async () => {
    await start();
    expect(trader.headers.every((h) => !h.has("authorization"))).toBe(true);
    kept["sapphire.token"] = "secret";
    trader.headers = [];
    trader.stream?.close();
    await settle(1_000);
    expect(trader.headers.length).toBeGreaterThan(0);
    expect(trader.headers.every((h) => h.get("authorization") === "Bearer secret")).toBe(true);
  });
});
