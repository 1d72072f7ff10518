/** What the scenarios share: opening the page, reading its state, leaving the desk as it was. */

import {
  type APIRequestContext,
  test as base,
  expect,
  type Locator,
  type Page,
} from "@playwright/test";
import axe from "axe-core";
import { required } from "./environment";

export const TOKEN = required("SAPPHIRE_TOKEN");

/** A page that fails its test on any script error or breach of the content security policy. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) faults.push(message.text());
    });
    await use(page);
    expect(faults).toEqual([]);
  },
});

export { expect };

export async function open(page: Page, token: string | null = TOKEN): Promise<void> {
  await page.goto(token ? `/#token=${token}` : "/");
  await expect(page.getByTestId("connection")).toHaveText("Live");
}

export const state = (page: Page) => page.getByTestId("trading-state");
export const haltButton = (page: Page) => page.getByRole("button", { name: "Halt", exact: true });
export const dialog = (page: Page) => page.getByRole("dialog");
export const panel = (page: Page, name: string | RegExp) => page.getByRole("region", { name });

/** The commands that the page has sent, as they go out. */
export function sentCommands(page: Page): string[] {
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") sent.push(new URL(request.url()).pathname);
  });
  return sent;
}

export async function resume(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await dialog(page).getByLabel("Reason").fill("the browser test is over");
  await dialog(page).getByRole("button", { name: "Resume trading" }).click();
  await expect(state(page)).toHaveText("Active");
}

/** Accessibility faults that would stop somebody from using the page. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** How far the page is wider than the window, in pixels. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** What runs past its panel's inner edge or is cut by it. */
export async function pastTheirPanel(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const named = (element: Element) => `${element.tagName} ${element.textContent?.slice(0, 40)}`;
    const bodies = [...document.querySelectorAll(".panel-body")];
    return bodies.flatMap((body) => {
      const { right, left } = body.getBoundingClientRect();
      const shown = [...body.querySelectorAll("*")].filter(
        (element) => !element.closest(".hidden, .chart, pre, thead"),
      );
      return shown
        .filter((element) => {
          const box = element.getBoundingClientRect();
          return box.width > 1 && (box.right > right + 1 || box.left < left - 1);
        })
        .map(named);
    });
  });
}

/** Whether an element's text is wider than what is seen of it. */
export async function isCut(element: Locator): Promise<boolean> {
  return element.evaluate((node) => {
    const text = document.createRange();
    text.selectNodeContents(node);
    const [words, box] = [text.getBoundingClientRect(), node.getBoundingClientRect()];
    const parent = node.parentElement?.getBoundingClientRect() ?? box;
    const right = Math.min(box.right, parent.right);
    return node.scrollWidth > node.clientWidth || words.right > right + 1;
  });
}

/** "2018-05-23 06:00" in UTC as milliseconds. */
export const moment = (text: string): number =>
  Date.parse(`${text.slice(0, 16).replace(" ", "T")}Z`);

/** Presses Tab until the focus is on the wanted element; fails when a whole turn does not reach it. */
export async function tabTo(page: Page, wanted: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`no Tab reaches ${wanted}`);
}

/** Lifts a halt that a failed test left behind, so that the next one says something. */
export async function leaveActive(request: APIRequestContext): Promise<void> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const status = await (await request.get("/api/system-status", { headers })).json();
  if (status.tradingState === "Active") return;
  await request.post("/api/commands/resume", {
    headers,
    data: { reason: "a browser test failed while the desk was halted" },
  });
}
