/** The page's one store: a state, a pure reducer, and a hook that renders on what it selects. */

import { useEffect, useReducer, useRef } from "preact/hooks";
import { type Action, initialState, reduce, type State } from "./state";

let state = initialState;
const listeners = new Set<() => void>();

export const getState = (): State => state;

export function dispatch(action: Action): void {
  const next = reduce(state, action);
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

/** `select` must return a part of the state itself, so that identity says whether it changed. */
export function useStore<T>(select: (state: State) => T): T {
  const selected = select(state);
  const rendered = useRef({ select, selected });
  rendered.current = { select, selected };
  const [, render] = useReducer((renders: number, _: undefined) => renders + 1, 0);
  useEffect(() => {
    const check = () => {
      const last = rendered.current;
      if (!Object.is(last.select(state), last.selected)) render(undefined);
    };
    listeners.add(check);
    // The state may have moved between the first render and this effect.
    check();
    return () => {
      listeners.delete(check);
    };
  }, []);
  return selected;
}
