/** Light, dark, or as the system says: an attribute on <html> that the style sheet reads. */

import { useEffect, useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
const KEY = "sapphire.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function isDark(): boolean {
  return theme() === "system" ? dark.matches : theme() === "dark";
}

export function setTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of listeners) listener();
}

dark.addEventListener("change", applyTheme);

/** Renders again when the colours change; charts draw theirs themselves. */
export function useDark(): boolean {
  const [value, setValue] = useState(isDark);
  useEffect(() => {
    const update = () => setValue(isDark());
    listeners.add(update);
    return () => {
      listeners.delete(update);
    };
  }, []);
  return value;
}
