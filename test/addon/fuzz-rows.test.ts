// Types with tables come only where asked for: outtypes.test.ts has made their tables, and tries them too.
import { testNastyRows } from '../support/nasty-rows.js';

testNastyRows(process.env.FUZZ_SECONDS || process.env.LLAVAOV_EMULATED ? 'all' : 'plain');
