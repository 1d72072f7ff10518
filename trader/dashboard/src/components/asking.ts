/** How any part of the page asks for a dialog, without knowing who shows it. */

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Order, Position } from "../contract";

export type Target = { symbol: string } | { agent: string };

export type Request =
  | { kind: "Halt" }
  | { kind: "Resume" }
  | { kind: "Close"; position: Position }
  | { kind: "Cancel"; order: Order }
  | { kind: "Pause" | "Unpause"; target: Target }
  | { kind: "Why"; id: string };

export const Asking = createContext<(request: Request) => void>(() => undefined);

export const useAsk = (): ((request: Request) => void) => useContext(Asking);
