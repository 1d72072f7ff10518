/**
 * Runs against traders that are really running: SAPPHIRE_URL says where one trades, SAPPHIRE_TOKEN
 * lets the tests halt it, and SAPPHIRE_POLICY is its RiskPolicy's file; they leave it as they found
 * it, Active. The data of the one at SAPPHIRE_FINISHED_URL end soon.
 */
import { defineConfig, type PlaywrightTestConfig } from "@playwright/test";
import { required } from "./e2e/environment";

const sizes = { phone: { width: 375, height: 812 }, desk: { width: 1440, height: 900 } };
const schemes = ["light", "dark"] as const;

const projects: PlaywrightTestConfig["projects"] = Object.entries(sizes).flatMap(
  ([size, viewport]) =>
    schemes.map((colorScheme) => ({
      name: `${size} ${colorScheme}`,
      // What a page does is the same in the dark.
      ...(colorScheme === "dark" && { grep: /@looks/ }),
      use: { viewport, colorScheme },
    })),
);

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One desk, halted and resumed by the tests: they take turns.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: "list",
  projects,
  use: {
    baseURL: required("SAPPHIRE_URL"),
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's sandbox cannot start as root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
