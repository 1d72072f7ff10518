/** Requests to the trader: reads that parse, and commands whose every outcome has a name. */

import type { Accepted, Command } from "./contract";
import { forgetToken, token } from "./session";

const READ_TIMEOUT_MILLIS = 10_000;
const COMMAND_TIMEOUT_MILLIS = 15_000;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** How long the trader asks to wait, from `retry-after`; 0 when it does not say. */
    readonly retryAfterMillis: number,
  ) {
    super(message);
  }
}

/** A token is sent with reads too: it lifts the limits a minute. */
export function authorization(): Record<string, string> {
  const value = token();
  return value ? { authorization: `Bearer ${value}` } : {};
}

/** Reads the contract's error body, or says what came instead. */
export async function errorOf(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get("retry-after"));
  const retryAfterMillis = Number.isFinite(seconds) ? seconds * 1000 : 0;
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return new ApiError(response.status, error.code, error.message, retryAfterMillis);
  } catch {
    const message = `the trader answered ${response.status} without saying why`;
    return new ApiError(response.status, "NoBody", message, retryAfterMillis);
  }
}

/** What a refusal means for who reads the page; the trader's own words are for who calls its API. */
export function inWords(error: ApiError): string {
  return error.status === 429
    ? "too many requests came from this computer in the last minute"
    : error.message;
}

export async function get<T>(path: string, cancel?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(READ_TIMEOUT_MILLIS);
  const response = await fetch(path, {
    headers: { accept: "application/json", ...authorization() },
    signal: cancel ? AbortSignal.any([timeout, cancel]) : timeout,
  });
  if (!response.ok) throw await errorOf(response);
  return (await response.json()) as T;
}

function tooOften({ retryAfterMillis }: ApiError): string {
  const when = retryAfterMillis > 0 ? `in ${Math.ceil(retryAfterMillis / 1000)} s` : "in a minute";
  return `Too many attempts came from this computer. Nothing was sent on: try again ${when}.`;
}

export type CommandOutcome =
  | { kind: "Accepted"; journalSequence: number }
  | { kind: "Refused"; message: string }
  | { kind: "Unauthorized"; message: string }
  /** No answer came: the trader may or may not have taken the command. */
  | { kind: "Unknown"; message: string };

export async function send(command: Command): Promise<CommandOutcome> {
  try {
    const response = await fetch(`/api/commands/${command.name}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...authorization() },
      body: JSON.stringify(command.body),
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MILLIS),
    });
    if (response.ok) {
      const { journalSequence } = (await response.json()) as Accepted;
      return { kind: "Accepted", journalSequence };
    }
    const error = await errorOf(response);
    const { message } = error;
    if (response.status === 429) return { kind: "Refused", message: tooOften(error) };
    if (response.status !== 401 && response.status !== 403) return { kind: "Refused", message };
    forgetToken();
    return { kind: "Unauthorized", message };
  } catch {
    return {
      kind: "Unknown",
      message:
        "No answer came. The trader may have taken the command: look at the trading state and the journal before you try again.",
    };
  }
}
