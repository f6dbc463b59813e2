/** A vitest reporter that ends the run with one line: `N passed, N failed`, and `, N skipped` where there are any. */
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      // A file that cannot even be loaded holds no tests, and is a failure all the same.
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
    }
    // At exit, so that it comes after the summaries of other reporters.
    process.once('exit', () => console.log(tally(counts)));
  }
}

export function tally({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
