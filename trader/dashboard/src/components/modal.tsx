import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
}

/** The browser's own modal dialog: it keeps the focus inside, closes on Escape, and gives it back. */
export function Modal({ title, onClose, class: name = "", children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    element?.querySelector("input")?.select();
    // Closing before it leaves the page is what gives the focus back to the button that opened it.
    return () => element?.close();
  }, []);
  // The browser may close it without a cancel event; the close event always comes, also for the
  // close above, when nobody waits for it any more.
  const closed = () => {
    if (dialog.current?.isConnected) onClose();
  };
  return (
    <dialog ref={dialog} class={`modal ${name}`} aria-labelledby={id} onClose={closed}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
