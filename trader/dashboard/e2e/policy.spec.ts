/** The RiskPolicy's file, edited and taken away while somebody looks at the page. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, leaveActive, open, overflow, panel, pastTheirPanel, state, test } from "./desk";
import { required } from "./environment";

const FILE = required("SAPPHIRE_POLICY");
const written = readFileSync(FILE, "utf8");

const fact = (page: Page, name: string) =>
  panel(page, "Risk policy")
    .locator("dt", { hasText: name })
    .locator("xpath=following-sibling::dd[1]");
const generation = async (page: Page) => Number(await fact(page, "Generation").textContent());

test.afterEach(async ({ page, request }) => {
  writeFileSync(FILE, written);
  await expect(panel(page, "Risk policy")).not.toContainText(/Lost|Pending|Refused/);
  await expect(state(page)).toHaveText("Active");
  await leaveActive(request);
});

test("an edit is acknowledged with generation, hash and delay", async ({ page, request }) => {
  await open(page);
  const before = await generation(page);
  const hash = (await fact(page, "Hash").getAttribute("title")) ?? "";
  const edited = written.replace('maxDrawdown: "0.25"', 'maxDrawdown: "0.24"');
  expect(edited).not.toBe(written);

  writeFileSync(FILE, edited);
  await expect(fact(page, "Generation")).toHaveText(String(before + 1));
  await expect(fact(page, "Hash")).not.toHaveAttribute("title", hash);
  await expect(fact(page, "Delay")).toHaveText(/^\d+(\.\d+)? (ms|s)$/);
  const told = await (await request.get("/api/risk")).json();
  await expect(fact(page, "Hash")).toHaveAttribute("title", told.policy.hash);
  expect(told.policy.generation).toBe(before + 1);

  // Looser again: it acts, too, and is the one of before.
  writeFileSync(FILE, written);
  await expect(fact(page, "Generation")).toHaveText(String(before + 2));
  await expect(fact(page, "Hash")).toHaveAttribute("title", hash);
});

test("a policy that is gone is told, and restrains the desk until it is back", async ({ page }) => {
  await open(page);
  await expect(state(page)).toHaveText("Active");
  // Nobody waits here for as long as a desk does.
  writeFileSync(FILE, written.replace("  tradingState:", "  staleAfter: 2s\n  tradingState:"));
  await expect(fact(page, "Stale after")).toHaveText("2s");
  rmSync(FILE);
  await expect(panel(page, "Risk policy")).toContainText(
    /Lost.*could not be read for 2s.*policy\.yaml/,
    { timeout: 20_000 },
  );
  await expect(state(page)).toHaveText("Reducing");
  // Nobody can lift by a command what the policy asks for.
  await expect(page.getByRole("button", { name: "Resume", exact: true })).toHaveCount(0);
  await expect(
    page.getByText(/Policy says Reducing: the RiskPolicy could not be read/),
  ).toBeVisible();
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await pastTheirPanel(page)).toEqual([]);

  writeFileSync(FILE, written);
  await expect(state(page)).toHaveText("Active");
  await expect(panel(page, "Risk policy")).not.toContainText("Lost");
});
