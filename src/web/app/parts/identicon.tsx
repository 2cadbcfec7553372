// A small picture of an address, so that people see at once whether two are the same. It proves nothing: addresses are
// compared by their digits.

import { memo } from "preact/compat";

const CELLS = 5;

/** Mirrored cells and a hue, from the digits of the address. */
export const Identicon = memo(function Identicon({ address, size = 18 }: { address: string; size?: number }) {
  const bytes = (address.replace(/^0x/i, "").match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  const hue = Math.round((((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 65536) * 360);
  const cells: string[] = [];
  for (let x = 0; x < Math.ceil(CELLS / 2); x += 1) {
    for (let y = 0; y < CELLS; y += 1) {
      if (((bytes[2 + x * CELLS + y] ?? 0) & 1) === 0) continue;
      for (const column of new Set([x, CELLS - 1 - x])) cells.push(`M${column} ${y}h1v1h-1z`);
    }
  }
  return (
    <svg class="identicon" width={size} height={size} viewBox="-1 -1 7 7" aria-hidden="true" style={{ "--hue": String(hue) }}>
      <rect class="ground" x="-1" y="-1" width="7" height="7" rx="1.6" />
      <path class="cells" d={cells.join("")} />
    </svg>
  );
});
