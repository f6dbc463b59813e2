/** `llava_onevision` of a request: what OpenAI's API has no place for. It is ours alone, so that a field that it does not know
 *  is a mistake. */
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import { badRequest } from './api-error.js';
import type { Fields } from './fields.js';

export interface OwnFields {
  /** What several pictures become. */
  multiImage: MultiImage | undefined;
  /** The stream tells its place in the line and how far the prompt is, before the first text. */
  hasProgress: boolean;
  /** The answer tells where each picture lies among its tiles, and when a clip's frames are shown. */
  hasGeometry: boolean;
}

const FIELDS = ['multi_image', 'progress', 'geometry'] as const;

/** @param known where a route has not all of them @throws 400 */
export function readOwnFields(
  body: Fields,
  known: readonly (typeof FIELDS)[number][] = FIELDS,
): OwnFields {
  const own = body.object('llava_onevision');
  for (const [name] of own?.entries() ?? [])
    if (!known.some((one) => one === name)) {
      const place = `llava_onevision.${name}`;
      throw badRequest(place, `'${place}' is not known here; there is ${known.join(', ')}.`);
    }
  return {
    multiImage: own?.choice('multi_image', MULTI_IMAGE),
    hasProgress: own?.flag('progress') ?? false,
    hasGeometry: own?.flag('geometry') ?? false,
  };
}
