// What a load's figures look like: a line each, written as soon as it is known, so that a run that is cut off loses nothing.
const ms = (values) => values.map((value) => value.toFixed(0).padStart(6)).join(' ');

export const HEAD =
  `${'server'.padEnd(14)}${'load'.padEnd(16)}${'req/s'.padStart(7)}${'tok/s'.padStart(8)}` +
  '   first token, ms p50 p95 p99; between tokens, ms p50 p95 p99 max';

/** @param row what `summary` says, with { server, load, kind } and what is known of tiles */
export function line(row) {
  const name = `${row.load}${row.kind ? `, ${row.kind}` : ''}`;
  const { requests, answered } = row;
  const notes = [
    answered < requests && `cut off: ${answered} of ${requests} answered`,
    row.inTiles !== undefined && `p95 between tokens is ${row.inTiles.toFixed(2)} tiles`,
    row.tilesEncoded !== undefined &&
      `${row.tilesEncoded} tiles encoded, one photo has ${row.tiles}`,
  ].filter(Boolean);
  return [
    row.server.padEnd(14) + name.padEnd(16),
    row.perSecond.toFixed(2).padStart(7) + row.tokensPerSecond.toFixed(1).padStart(8),
    ` ${ms(row.ttft)}  ${ms(row.between)} ${row.longest.toFixed(0).padStart(6)}`,
    notes.length > 0 ? `  ${notes.join('; ')}` : '',
  ].join('');
}

/** Tells on stderr how far a load is. */
export function teller(what, total) {
  const started = performance.now();
  return (answers) => {
    const done = answers.filter(({ endedAt }) => endedAt !== undefined).length;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    process.stderr.write(`${what}: ${done} of ${total} after ${seconds} s\n`);
  };
}
