/** Those of a command’s flags that the library takes; it fills in what is undefined. */
export function givenFlags<T, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}
