/** What all routes of a server share. */
import type { Admission } from './admission.js';
import type { AtMost } from './at-most.js';
import type { Metrics } from './metrics.js';
import type { OneATurn } from './one-a-turn.js';
import type { ServedModels } from './served-models.js';
import type { ServerSettings } from './server-options.js';

export interface ServerContext {
  settings: ServerSettings;
  models: ServedModels;
  admission: Admission;
  clips: AtMost;
  fetches: AtMost;
  schemas: OneATurn;
  metrics: Metrics;
}
