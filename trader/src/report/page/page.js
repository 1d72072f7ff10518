// Under the pointer: when, and each line's value there, read off the drawn path itself.
for (const plot of document.querySelectorAll(".plot")) {
  const area = plot.querySelector(".area");
  const lines = [...area.querySelectorAll("path.line")];
  const data = plot.dataset;
  const cursor = Object.assign(document.createElement("div"), { className: "cursor", hidden: true });
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  area.append(cursor, tip);
  const points = lines.map((line) =>
    [...line.getAttribute("d").matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map((m) => [+m[1], +m[2]]),
  );
  const lerp = (from, to, share) => from + (to - from) * share;
  const show = (value) =>
    data.unit === "percent"
      ? `${(value * 100).toFixed(2)} %`
      : value.toLocaleString("en", { maximumFractionDigits: 2 });
  area.addEventListener("pointermove", (event) => {
    const box = area.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const at = new Date(lerp(+data.from, +data.to, share));
    const values = points.map((line, index) => {
      const near = line.findIndex((point) => point[0] >= share * 1000);
      const [, y] = line[near < 0 ? line.length - 1 : near];
      return `${lines[index].dataset.name} ${show(lerp(+data.high, +data.low, y / 1000))}`;
    });
    tip.textContent = `${at.toISOString().slice(0, 16).replace("T", " ")} · ${values.join(" · ")}`;
    cursor.hidden = tip.hidden = false;
    cursor.style.left = `${share * 100}%`;
    tip.style.left = `${share * (box.width - tip.offsetWidth)}px`;
  });
  area.addEventListener("pointerleave", () => {
    cursor.hidden = tip.hidden = true;
  });
}
