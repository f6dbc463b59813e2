/** Where a picture lies among its tiles, and when a clip's chosen frames are shown: for those who draw what the model saw. Plain
 *  arithmetic on what was planned; reads nothing. */
import type { Size } from '../vision/grid.js';
import type { ImagePlan } from '../vision/image-plan.js';

export type MediaGeometry = ImageGeometry | ClipGeometry;

/** In pixels of the canvas that the tiles cover, but `image`. */
export interface ImageGeometry {
  /** Pixels of the picture, upright. */
  image: Size;
  canvas: Size;
  /** Where the resized picture lies on the canvas; around it is padding. */
  picture: Box;
  /** Side of a tile. */
  tile: number;
  /** The whole picture is seen as one more tile, before those of the canvas. */
  hasOverview: boolean;
  /** What the features that are used cover: those of the padding are left out. Absent where no feature of the grid is used,
   *  and where there is no grid. */
  kept?: Box;
}

export interface ClipGeometry extends Size {
  /** Unknown for lists of frames, and without ffprobe. */
  seconds?: number;
  /** When each of `frames` is shown, as far as it is known. */
  frameSeconds?: number[];
}

export type Box = { x: number; y: number } & Size;

export function imageGeometry({ width, height }: Size, plan: ImagePlan): ImageGeometry {
  const { canvas, grid, map, offset, resized } = plan;
  const tile = grid ? canvas.width / grid.cols : canvas.width;
  return {
    image: { width, height },
    canvas,
    picture: { ...offset, ...resized },
    tile,
    hasOverview: plan.kind === 'anyres',
    ...(map && { kept: keptBox(map, tile / map.side) }),
  };
}

function keptBox(map: NonNullable<ImagePlan['map']>, patch: number): Box {
  return {
    x: map.cropLeft * patch,
    y: map.cropTop * patch,
    width: map.cropCols * patch,
    height: map.cropRows * patch,
  };
}

/** What an opened clip tells of itself. */
interface Clip extends Size {
  durationSeconds: number | undefined;
  secondsOf(index: number): number | undefined;
}

export function clipGeometry(clip: Clip, frames: readonly number[]): ClipGeometry {
  const { width, height, durationSeconds: seconds } = clip;
  const times = frames.map((frame) => clip.secondsOf(frame));
  const areKnown = times.every((time) => time !== undefined);
  return {
    ...{ width, height },
    ...(seconds !== undefined && { seconds }),
    ...(areKnown && { frameSeconds: times }),
  };
}
