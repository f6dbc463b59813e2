const TOLERANCE = 1e-9;

/** Whether a result is the expected one: numbers within rounding, true and false as the 1 and 0 that Python takes them for. */
export function isSame(actual: unknown, expected: unknown): boolean {
  const [left, right] = [actual, expected].map(plain);
  if (typeof left === 'number' && typeof right === 'number') {
    const scale = Math.max(1, Math.abs(left), Math.abs(right));
    return left === right || Math.abs(left - right) <= TOLERANCE * scale;
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return left === right;
  const keys = Object.keys(right);
  return (
    Array.isArray(left) === Array.isArray(right) &&
    Object.keys(left).length === keys.length &&
    keys.every((key) => isSame((left as Fields)[key], (right as Fields)[key]))
  );
}

type Fields = Record<string, unknown>;

function plain(value: unknown): unknown {
  return typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value;
}
