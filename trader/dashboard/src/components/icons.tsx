/** Shapes that carry meaning beside colour. Decorative to a screen reader: text says the same. */

const PATHS = {
  up: "M8 3 14 13H2z",
  down: "M8 13 2 3h12z",
  level: "M2 6.5h12v3H2z",
  active: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm3.6 5.2-4.3 4.9-2.9-2.6 1-1.1 1.8 1.6 3.3-3.8z",
  reducing: "M8 1.2 15.4 14H.6zM7.2 6v4h1.6V6zm0 5v1.6h1.6V11z",
  halted: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM5 7v2h6V7z",
  dot: "M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  ring: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3zm0 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  broken:
    "M3.8 2.4 8 6.6l4.2-4.2 1.4 1.4L9.4 8l4.2 4.2-1.4 1.4L8 9.4l-4.2 4.2-1.4-1.4L6.6 8 2.4 3.8z",
  sun: "M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM7.3.8h1.4v2.4H7.3zm0 12h1.4v2.4H7.3zM.8 7.3h2.4v1.4H.8zm12 0h2.4v1.4h-2.4zM2.4 3.4l1-1 1.7 1.7-1 1zm8.5 8.5 1-1 1.7 1.7-1 1zm0-7.8 1.7-1.7 1 1-1.7 1.7zM2.4 12.6l1.7-1.7 1 1-1.7 1.7z",
  moon: "M6.2 1.6a6.6 6.6 0 1 0 8.2 8.2A5.6 5.6 0 0 1 6.2 1.6z",
  system: "M1.5 2.5h13v9h-13zm1.4 1.4v6.2h10.2V3.9zM5 12.5h6V14H5z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
