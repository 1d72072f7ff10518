/** A run whose data have ended: its report, and commands that are switched off. */

import {
  expect,
  haltButton,
  overflow,
  panel,
  pastTheirPanel,
  seriousFaults,
  state,
  test,
} from "./desk";
import { required } from "./environment";

const URL = required("SAPPHIRE_FINISHED_URL");

test("shows the report as the terminal does, and takes no commands", { tag: "@looks" }, async ({
  page,
}) => {
  await page.goto(URL);
  const report = panel(page, "Final report");
  await expect(report).toBeVisible({ timeout: 80_000 });

  // The same rows, in the same order and writing, as the printed report.
  await report.getByText("Report as printed").click();
  const printed = (await report.locator("pre").textContent()) ?? "";
  const squeezed = (text: string) => text.replace(/\s+/g, "");
  const lines = printed.split("\n").filter((line) => line.startsWith("  "));
  const rows = await report.locator(".report-facts > div").allTextContents();
  expect(rows.map(squeezed)).toEqual(lines.map(squeezed));
  for (const name of ["Maximum drawdown", "Buy and hold", "Closed trades"]) {
    expect(rows.find((row) => row.startsWith(name))).toMatch(/\d/);
  }
  expect(rows.find((row) => row.startsWith("Return a year"))).toMatch(
    /^Return a year-?\d+\.\d\d %$/,
  );

  await expect(page.getByText("The run is over: it takes no commands.")).toBeVisible();
  await expect(haltButton(page)).toBeDisabled();
  await expect(haltButton(page)).toHaveAccessibleDescription(/run is over/);
  await expect(state(page)).toHaveText("Finished");
  const commands = page.getByRole("button", { name: /^(Resume$|Halt|Close|Cancel|Pause|Unpause)/ });
  for (const command of await commands.all()) await expect(command).toBeDisabled();

  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await pastTheirPanel(page)).toEqual([]);
  expect(await seriousFaults(page)).toEqual([]);
});
