/**
 * A vitest reporter that ends the run with what was skipped, by reason, and one line: `N passed, N failed`, and `, N skipped`
 * where there are any. Reasons are those of `context.skip(reason)` and of test/support/skip-unless.ts.
 */
export default class TallyReporter {
  #isFiltered = false;

  onInit({ config }) {
    this.#isFiltered = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skipped = [];
    for (const module of modules) {
      // A file that cannot even be loaded holds no tests, and is a failure all the same.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
        if (state === 'passed' || state === 'failed') continue;
        const reason = note ?? test.meta().skipped;
        // Those that -t leaves out are no news.
        if (reason === undefined && this.#isFiltered) continue;
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        const unsaid = state === 'pending' ? 'not run' : 'no reason given';
        skipped.push({ name, reason: reason ?? unsaid });
      }
    }
    // At exit, so that it comes after the summaries of other reporters.
    process.once('exit', () => console.log([...skippedLines(skipped), tally(counts)].join('\n')));
  }
}

/** Each reason, with the names of the tests below it. */
export function skippedLines(skipped) {
  const namesOf = new Map();
  for (const { name, reason } of skipped)
    namesOf.set(reason, [...(namesOf.get(reason) ?? []), name]);
  return [...namesOf].flatMap(([reason, names]) => [
    `Skipped, ${reason}:`,
    ...names.map((name) => `  ${name}`),
  ]);
}

export function tally({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
