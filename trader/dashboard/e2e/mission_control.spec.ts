import {
  dialog,
  expect,
  haltButton,
  leaveActive,
  open,
  overflow,
  panel,
  resume,
  sentCommands,
  seriousFaults,
  state,
  tabTo,
  test,
} from "./desk";

test.afterEach(async ({ request }) => leaveActive(request));

test("the token leaves the address bar", async ({ page }) => {
  await open(page);
  expect(page.url()).not.toContain("token");
});

test("the equity curve moves", async ({ page }) => {
  await open(page);
  const chart = page.getByTestId("equity-chart");
  await expect(chart).toHaveAccessibleName(/equity [\d,]+\.\d\d/);
  const before = { said: await chart.getAttribute("aria-label"), drawn: await chart.screenshot() };
  await expect(async () => {
    expect(await chart.getAttribute("aria-label")).not.toBe(before.said);
    expect((await chart.screenshot()).equals(before.drawn)).toBe(false);
  }).toPass({ timeout: 30_000 });
});

test("a fill appears", async ({ page }) => {
  await open(page);
  const newest = page.getByTestId("fills").getByRole("row").nth(1);
  // On a run that has just begun, the first fill is the new one.
  const before = (await newest.count()) > 0 ? await newest.textContent() : null;
  await expect(async () => {
    expect(await newest.textContent({ timeout: 1_000 })).not.toBe(before);
  }).toPass({ timeout: 75_000 });
  await expect(newest).toHaveText(/(Buy|Sell).*\d/);
});

test("fits its window and has no serious accessibility fault", async ({ page }) => {
  await open(page);
  await expect(panel(page, "Risk limits").getByRole("meter").first()).toBeVisible();
  await expect(panel(page, "Agents").getByRole("listitem").first()).toBeVisible();
  await expect(panel(page, "Rounds and dissent").getByRole("listitem").first()).toBeVisible();
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await seriousFaults(page)).toEqual([]);
});

test("halt asks first: going back and Escape send nothing", async ({ page }) => {
  const sent = sentCommands(page);
  await open(page);
  await haltButton(page).click();
  await expect(dialog(page)).toBeVisible();
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await seriousFaults(page)).toEqual([]);
  await dialog(page).getByRole("button", { name: "Back" }).click();
  await expect(dialog(page)).toBeHidden();
  // Twice, since a browser treats a second Escape in a row differently.
  for (let times = 0; times < 2; times++) {
    await haltButton(page).click();
    await expect(dialog(page)).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(dialog(page)).toBeHidden();
    await expect(haltButton(page)).toBeFocused();
  }
  await page.waitForTimeout(1_000);
  await expect(state(page)).toHaveText("Active");
  expect(sent).toEqual([]);
});

test("without a token the halt asks for one, and a wrong one is refused", async ({ page }) => {
  await open(page, null);
  await haltButton(page).click();
  await dialog(page).getByLabel("Command token").fill("not-the-token");
  await dialog(page).getByRole("button", { name: "Halt trading" }).click();
  await expect(dialog(page).getByRole("alert")).not.toBeEmpty();
  await expect(dialog(page).getByLabel("Command token")).toBeVisible();
  await expect(state(page)).toHaveText("Active");
});

test("by keyboard alone the desk is halted and flattened, and resumed", async ({ page }) => {
  const sent = sentCommands(page);
  await open(page);
  await tabTo(page, haltButton(page));
  await page.keyboard.press("Enter");
  await expect(dialog(page)).toBeVisible();

  // The dialog keeps the focus: a turn of Tabs never lands on the page behind it.
  for (let presses = 0; presses < 8; presses++) {
    const outside = await page.evaluate(() => {
      const focused = document.activeElement;
      return focused !== document.body && !focused?.closest("dialog");
    });
    expect(outside).toBe(false);
    await page.keyboard.press("Tab");
  }
  const flatten = dialog(page).getByLabel(/^Flatten/);
  await tabTo(page, flatten);
  if (!(await flatten.isChecked())) await page.keyboard.press("Space");
  await expect(flatten).toBeChecked();
  await tabTo(page, dialog(page).getByRole("button", { name: "Halt trading" }));
  await page.keyboard.press("Enter");

  await expect(dialog(page)).toBeHidden();
  await expect(state(page)).toHaveText("Halted");
  await expect(page.getByTestId("state-announcement")).toContainText("Halted");
  await expect(panel(page, "Positions")).toContainText("No open position");
  await expect(panel(page, "Orders")).toContainText("No open order");
  await expect(panel(page, "Risk policy")).toContainText("Halted at");
  expect(sent).toEqual(["/api/commands/halt"]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await seriousFaults(page)).toEqual([]);

  await resume(page);
});
