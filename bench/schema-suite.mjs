// The required part of the JSON-Schema-Test-Suite (npm json-schema-test-suite) as cases of one schema each.
import { loadSync } from 'json-schema-test-suite';

/** @param draft 'draft7' or 'draft2020-12' */
export function suiteCases(draft) {
  const suite = loadSync({ filter: (path, parent, optional) => !optional, draft: draft.replace('draft', '') });
  return suite;
}
