/**
 * What the page keeps of its user: the command token and a name, for this tab only.
 *
 * The trader prints an address ending in `#token=…`. A fragment never reaches a server or its log;
 * it is taken out of the address bar at once so that it is not shared with it.
 */

const TOKEN = "sapphire.token";
const WHO = "sapphire.who";

export function adoptTokenFromAddress(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (!token) return;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(null, "", location.pathname + location.search);
}

export const token = (): string | null => sessionStorage.getItem(TOKEN);
export const setToken = (value: string): void => sessionStorage.setItem(TOKEN, value);
export const forgetToken = (): void => sessionStorage.removeItem(TOKEN);

export const who = (): string => sessionStorage.getItem(WHO) ?? "";
export const setWho = (value: string): void => sessionStorage.setItem(WHO, value);
