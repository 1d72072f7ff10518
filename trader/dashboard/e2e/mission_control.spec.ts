import {
  dialog,
  expect,
  haltButton,
  isCut,
  leaveActive,
  moment,
  open,
  overflow,
  panel,
  pastTheirPanel,
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

test("the equity curve moves", { tag: "@looks" }, async ({ page }) => {
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

test("fits its window and has no serious accessibility fault", { tag: "@looks" }, async ({
  page,
}) => {
  await open(page);
  await expect(panel(page, "Risk limits").getByRole("meter").first()).toBeVisible();
  await expect(panel(page, "Agents").getByRole("listitem").first()).toBeVisible();
  await expect(panel(page, "Rounds and dissent").getByRole("listitem").first()).toBeVisible();
  await expect(page.getByTestId("fills").getByRole("row").nth(6)).toBeVisible({ timeout: 60_000 });
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await pastTheirPanel(page)).toEqual([]);
  expect(await seriousFaults(page)).toEqual([]);
});

test("the page is served by one request, and its chart keeps up with its clock", async ({
  page,
}) => {
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith("/api/")) asked.push(pathname + search);
  });
  await open(page);
  await expect(page.getByTestId("price-chart")).toHaveAccessibleName(/ to \S+ \S+ UTC/);
  // Both in one look: the clock runs by hours in a second.
  const both = () =>
    page.evaluate(() => {
      const found = (name: string) => document.querySelector(`[data-testid="${name}"]`);
      return {
        label: found("price-chart")?.getAttribute("aria-label") ?? "",
        clock: found("event-time")?.textContent ?? "",
      };
    });
  for (let look = 0; look < 8; look++) {
    const { label, clock } = await both();
    const drawn = moment(/ to (\S+ \S+) UTC/.exec(label)?.[1] ?? "");
    // Bars are of an hour and told when they close.
    expect(moment(clock) - drawn, label).toBeLessThanOrEqual(12 * 3_600_000);
    await page.waitForTimeout(400);
  }
  expect(asked).toEqual(["/api/stream?history=true"]);
});

test("the chart draws the stop that the table tells", async ({ page }) => {
  await open(page);
  const stop = panel(page, "Positions").getByTestId("stop").first();
  await expect(async () => {
    const told = await stop.textContent({ timeout: 500 });
    expect(told).toMatch(/\d\.\d\d$/);
    const label = await page.getByTestId("price-chart").getAttribute("aria-label");
    expect(label).toContain(`stop at ${told}`);
  }).toPass({ timeout: 75_000 });
});

test("limits read as people write them", async ({ page }) => {
  await open(page);
  const limits = panel(page, "Risk limits");
  const used = (name: string) => limits.locator(".limit-head").filter({ hasText: name });
  await expect(used("Max gross exposure")).toHaveText(/e[\d,]+\.\d\d \/ [\d,]+\.\d\d$/);
  await expect(used("Max leverage")).toHaveText(/e\d+\.\d\d× \/ 10\.00×$/);
  await expect(used("Max open positions")).toHaveText(/s\d \/ 3$/);
  for (const figures of await limits.locator(".number").all()) {
    await expect(figures).not.toHaveText(/\d\.\d{3}|\u2212/);
  }
});

test("what is shown is of one moment", async ({ page }) => {
  await open(page);
  const figures = () =>
    page.evaluate(() => {
      const texts = [...document.querySelectorAll(".strip .figure, .limit-head")];
      const read = (label: string) => {
        const text = texts.find((element) => element.textContent?.startsWith(label))?.textContent;
        return text?.slice(label.length).match(/^[\d.]+/)?.[0];
      };
      return [read("Drawdown"), read("Max drawdown"), read("Daily loss"), read("Max daily loss")];
    });
  let torn = 0;
  for (let look = 0; look < 20; look++) {
    const [drawdown, limited, loss, limitedLoss] = await figures();
    expect(drawdown).toMatch(/\d/);
    if (drawdown !== limited || loss !== limitedLoss) torn += 1;
    await page.waitForTimeout(90);
  }
  // Events of one look may come in two pieces once in a while.
  expect(torn).toBeLessThanOrEqual(2);
});

test("why tells each vote on a line of its own", async ({ page }) => {
  await open(page);
  const orders = panel(page, "Orders");
  await orders.getByRole("button", { name: "Latest" }).click();
  await orders.getByRole("button", { name: "Hold" }).click();
  // An order of a decision by consensus: any but the exchange's own.
  await orders.getByRole("button", { name: /^Why/ }).first().click({ timeout: 60_000 });
  const votes = dialog(page).locator(".lineage-lines").first().getByRole("listitem");
  await expect(votes).toHaveCount(5);
  for (const vote of await votes.allTextContents()) {
    expect(vote).toMatch(/^[a-z-]+ \(weight \d+\.\d %\) (abstains|says \w+ with confidence \d+ %)/);
  }
  await expect(dialog(page)).toContainText(/wins with \d+ % of the weight cast, \d agreeing/);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
});

test("a page that is refused says so in words and comes back by itself", { tag: "@looks" }, async ({
  page,
}) => {
  const refusal = {
    status: 429,
    headers: { "retry-after": "3" },
    json: { error: { code: "TooManyRequests", message: "wait as `retry-after` says" } },
  };
  await page.route("**/api/stream*", (route) => route.fulfill(refusal));
  await page.goto("/");
  const alert = page.getByRole("alert");
  await expect(alert).toContainText("too many requests came from this computer");
  await expect(alert).toContainText("tries again by itself at");
  await expect(page.locator("body")).not.toContainText("retry-after");
  await expect(page.locator("body")).not.toContainText("Loading");
  expect(await seriousFaults(page)).toEqual([]);
  await page.unroute("**/api/stream*");
  await expect(page.getByTestId("connection")).toHaveText("Live");
  await expect(alert.filter({ hasText: "too many requests" })).toHaveCount(0);
});

test("halt asks first: going back and Escape send nothing", { tag: "@looks" }, async ({ page }) => {
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
  await expect(dialog(page)).toContainText("prints a link that ends in #token=");
  await dialog(page).getByLabel("Command token").fill("not-the-token");
  await dialog(page).getByRole("button", { name: "Halt trading" }).click();
  await expect(dialog(page).getByRole("alert")).not.toBeEmpty();
  await expect(dialog(page).getByLabel("Command token")).toBeVisible();
  await expect(state(page)).toHaveText("Active");
});

test("by keyboard alone the desk is halted and flattened, and resumed", { tag: "@looks" }, async ({
  page,
}) => {
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
  expect(await isCut(page.getByRole("heading", { level: 1 }))).toBe(false);
  expect(sent).toEqual(["/api/commands/halt"]);
  expect(await overflow(page)).toBeLessThanOrEqual(0);
  expect(await seriousFaults(page)).toEqual([]);

  await resume(page);
});
