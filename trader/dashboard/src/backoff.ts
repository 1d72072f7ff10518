/** Delays between attempts to reconnect: 1 s doubling to 30 s, each cut by up to half at random. */

const FIRST_MILLIS = 1_000;
const LONGEST_MILLIS = 30_000;

/**
 * @param attempt 1 for the first retry after a connection was lost
 * @param random in [0, 1): spreads the pages that a restarted trader would all meet at once
 * @param retryAfterMillis what the trader asked for, which is never undercut
 */
export function backoffMillis(attempt: number, random: number, retryAfterMillis = 0): number {
  const full = Math.min(LONGEST_MILLIS, FIRST_MILLIS * 2 ** Math.min(attempt - 1, 16));
  return Math.max(retryAfterMillis, Math.round(full * (1 - random / 2)));
}
