import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { send } from "./api";
import type { Command } from "./contract";

const HALT: Command = { name: "halt", body: { reason: "test", flatten: true } };
let kept: Record<string, string>;
let answer: () => Promise<Response>;
let asked: { path: string; init: RequestInit }[];

beforeEach(() => {
  kept = { "sapphire.token": "secret" };
  asked = [];
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept[key] ?? null,
    removeItem: (key: string) => delete kept[key],
  });
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push({ path, init });
    return answer();
  });
});
afterEach(() => vi.unstubAllGlobals());

const refusal = (status: number, message: string) => async () =>
  Response.json({ error: { code: "X", message, correlationId: "c" } }, { status });

describe("a command", () => {
  it("is sent once, with the token and its body, and names its journal entry", async () => {
    answer = async () =>
      Response.json({ accepted: true, commandId: "C", journalSequence: 12 }, { status: 202 });
    expect(await send(HALT)).toEqual({ kind: "Accepted", journalSequence: 12 });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.path).toBe("/api/commands/halt");
    expect(new Headers(asked[0]?.init.headers).get("authorization")).toBe("Bearer secret");
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual(HALT.body);
  });

  it("that makes no sense now is refused in the trader's words", async () => {
    answer = refusal(409, "trading is halted already");
    expect(await send(HALT)).toEqual({ kind: "Refused", message: "trading is halted already" });
    expect(kept["sapphire.token"]).toBe("secret");
  });

  it("with a wrong token forgets it, so that the page asks anew", async () => {
    answer = refusal(401, "wrong token");
    expect(await send(HALT)).toEqual({ kind: "Unauthorized", message: "wrong token" });
    expect(kept["sapphire.token"]).toBeUndefined();
  });

  it("sent too often says when to try again, in words for a person", async () => {
    answer = async () =>
      Response.json(
        { error: { code: "TooManyRequests", message: "wait as `retry-after` says" } },
        { status: 429, headers: { "retry-after": "40" } },
      );
    const outcome = await send(HALT);
    expect(outcome).toMatchObject({ kind: "Refused", message: expect.stringContaining("40 s") });
    expect(JSON.stringify(outcome)).not.toContain("retry-after");
  });

  it("without an answer is unknown, neither done nor failed, and not repeated", async () => {
    answer = async () => {
      throw new TypeError("network");
    };
    expect((await send(HALT)).kind).toBe("Unknown");
    expect(asked).toHaveLength(1);
  });

  it("with an answer that cannot be read is unknown too", async () => {
    answer = async () => new Response("<html>", { status: 202 });
    expect((await send(HALT)).kind).toBe("Unknown");
  });

  it("refused without a body still says the status", async () => {
    answer = async () => new Response("", { status: 503 });
    expect(await send(HALT)).toMatchObject({
      kind: "Refused",
      message: expect.stringContaining("503"),
    });
  });
});
