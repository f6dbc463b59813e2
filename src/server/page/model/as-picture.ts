/** A file as the server reads it. Pictures of kinds that only browsers know (SVG, HEIC on some) are drawn and become PNG. */

const READ_BY_SERVER = /^(image\/(png|jpeg|webp|gif|tiff|avif)|video\/.+)$/;
const LONGEST_EDGE = 2048;

/** @throws where the browser does not know it either */
export async function asPicture(file: File): Promise<Blob> {
  if (READ_BY_SERVER.test(file.type)) return file;
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return await drawn(image);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function drawn(image: HTMLImageElement): Promise<Blob> {
  // A drawing without a size of its own has none here.
  const width = image.naturalWidth || LONGEST_EDGE / 2;
  const height = image.naturalHeight || LONGEST_EDGE / 2;
  const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return blobOfCanvas(canvas, 'image/png');
}

export function blobOfCanvas(canvas: HTMLCanvasElement, type: string): Promise<Blob> {
  return new Promise((resolve, reject) => {
    const take = (blob: Blob | null) => (blob ? resolve(blob) : reject(new Error('no picture')));
    canvas.toBlob(take, type, 0.92);
  });
}
