/** Drawings on buttons, on a grid of 24. What a button does is said by its name, so no drawing has one. */
import type { JSX } from 'preact';

const icon = (...paths: string[]) =>
  function Icon(): JSX.Element {
    return (
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
        {paths.map((d) => (
          <path key={d} d={d} />
        ))}
      </svg>
    );
  };

export const Menu = icon('M4 6h16M4 12h16M4 18h10');
export const Plus = icon('M12 5v14M5 12h14');
export const Pen = icon('M4 20h4L19 9l-4-4L4 16v4z', 'M13 7l4 4');
export const Search = icon('M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14z', 'M16 16l4.5 4.5');
export const Dots = icon(
  ...[5, 12, 19].map((x) => `M${x - 0.5} 12a0.5 0.5 0 1 0 1 0a0.5 0.5 0 1 0-1 0`),
);
export const Sliders = icon('M4 7h9M17 7h3M4 17h3M11 17h9', 'M15 5v4M9 15v4');
export const Close = icon('M6 6l12 12M18 6L6 18');
export const Picture = icon(
  'M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1z',
  'M4 17l5-5 4 4 3-3 4 4',
  'M15.5 8.5h.01',
);
export const Camera = icon(
  'M4 8h3l2-3h6l2 3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z',
  'M12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z',
);
export const Swap = icon('M4 9h13l-3-3M20 15H7l3 3');
export const Send = icon('M12 19V5', 'M6 11l6-6 6 6');
export const Stop = icon('M7 7h10v10H7z');
export const Copy = icon('M9 9h10v11H9z', 'M15 5H5v11');
export const Check = icon('M5 13l4 4L19 7');
export const Again = icon('M5 12a7 7 0 1 1 2 5', 'M4 20v-4h4');
export const Onward = icon('M5 6l7 6-7 6', 'M13 6l7 6-7 6');
export const Left = icon('M14 6l-6 6 6 6');
export const Right = icon('M10 6l6 6-6 6');
export const Down = icon('M12 5v14', 'M6 13l6 6 6-6');
export const Play = icon('M8 5l11 7-11 7z');
export const Bin = icon('M5 7h14M10 7V4h4v3', 'M7 7l1 13h8l1-13');
export const Out = icon('M12 15V4', 'M8 8l4-4 4 4', 'M5 14v6h14v-6');
export const In = icon('M12 4v11', 'M8 11l4 4 4-4', 'M5 14v6h14v-6');
export const Keyboard = icon('M3 7h18v10H3z', 'M7 11h.01M11 11h.01M15 11h.01M8 14h8');
export const Warning = icon('M12 4l9 16H3z', 'M12 10v4M12 17h.01');
