// How full something is.

export function Meter({ label, value, most, text }: { label: string; value: number; most: number; text: string }) {
  const share = most > 0 ? Math.min(1, value / most) : 0;
  return (
    <div class="meter">
      <div class="words">
        <span>{label}</span>
        <span class="number">{text}</span>
      </div>
      <div
        class="bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={text}
      >
        <span style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}
