/**
 * Part of the key under which converted files are kept: to be raised whenever the same checkpoint becomes other bytes
 * that matter, so that older files are made again. test/addon/converter-version.test.ts says when that is.
 */
export const CONVERTER_VERSION = 1;
