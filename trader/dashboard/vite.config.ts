import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running trader (`make run` starts one here). */
const trader = process.env.SAPPHIRE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  server: { proxy: { "/api": trader, "/healthz": trader, "/readyz": trader } },
  build: {
    target: "es2022",
    // The trader's content security policy allows files of its own, so nothing is inlined.
    assetsInlineLimit: 0,
    // The notices that the bundled libraries' licences ask for; the footer links to them.
    license: { fileName: "assets/licenses.txt" },
    modulePreload: { polyfill: false },
  },
  test: { include: ["src/**/*.test.ts"] },
});
