/** Pictures for the first questions, in the style of those that the demonstration's model was trained on. */

export const exampleNames = ['shape', 'count', 'second'] as const;
export type ExampleName = (typeof exampleNames)[number];

type Ink = CanvasRenderingContext2D;
type Shape = (ink: Ink, x: number, y: number, r: number) => void;

const COLORS = {
  green: 'rgb(40 170 60)',
  purple: 'rgb(140 60 180)',
  yellow: 'rgb(240 210 50)',
  blue: 'rgb(50 80 220)',
  orange: 'rgb(245 140 30)',
  red: 'rgb(220 40 40)',
  white: 'rgb(245 245 245)',
};

const corners = (ink: Ink, points: readonly (readonly [number, number])[]) => {
  ink.beginPath();
  for (const [x, y] of points) ink.lineTo(x, y);
  ink.fill();
};

const triangle: Shape = (ink, x, y, r) =>
  corners(ink, [
    [x, y - r],
    [x + r * 0.9, y + r * 0.7],
    [x - r * 0.9, y + r * 0.7],
  ]);

const star: Shape = (ink, x, y, r) =>
  corners(
    ink,
    Array.from({ length: 10 }, (_, index) => {
      const angle = -Math.PI / 2 + (index * Math.PI) / 5;
      const reach = index % 2 === 0 ? r : r * 0.42;
      return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)] as const;
    }),
  );

const circle: Shape = (ink, x, y, r) => {
  ink.beginPath();
  ink.arc(x, y, r, 0, 2 * Math.PI);
  ink.fill();
};

type Color = keyof typeof COLORS;
type Item = [Shape, Color, number, number, number];

const HEIGHT = 200;

function picture(width: number, background: Color, ...items: Item[]): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = HEIGHT;
  const ink = canvas.getContext('2d');
  if (!ink) return canvas;
  ink.fillStyle = COLORS[background];
  ink.fillRect(0, 0, width, HEIGHT);
  for (const [shape, color, x, y, r] of items) {
    ink.fillStyle = COLORS[color];
    shape(ink, x, y, r);
  }
  return canvas;
}

const drawings: Record<ExampleName, () => HTMLCanvasElement[]> = {
  shape: () => [picture(320, 'purple', [triangle, 'green', 150, 106, 72])],
  count: () => [
    picture(
      320,
      'blue',
      [star, 'yellow', 66, 62, 36],
      [star, 'yellow', 196, 54, 32],
      [star, 'yellow', 128, 142, 34],
      [star, 'yellow', 258, 140, 38],
    ),
  ],
  second: () => [
    picture(160, 'white', [circle, 'red', 80, 100, 54]),
    picture(160, 'white', [triangle, 'blue', 80, 106, 62]),
  ],
};

export const drawExample = (name: ExampleName): HTMLCanvasElement[] => drawings[name]();
