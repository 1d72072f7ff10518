/** What scripts/browser-tests.sh says of the traders that it started. */

type Name = "SAPPHIRE_URL" | "SAPPHIRE_TOKEN" | "SAPPHIRE_FINISHED_URL" | "SAPPHIRE_POLICY";

export function required(name: Name): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: scripts/browser-tests.sh starts the traders, and sets it`);
}
