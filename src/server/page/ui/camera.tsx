/** A picture from the camera: the phone's own app where fingers are used, else a dialog with what the camera sees. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { blobOfCanvas } from '../model/as-picture.js';
import type { Draft } from '../model/draft.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Dialog } from './dialog.js';
import { Camera, Swap } from './icons.js';
import { isTouched } from './layout.js';

export function CameraButton({ draft }: { draft: Draft }) {
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  // Browsers give no camera to pages that came over plain http from elsewhere.
  if (!isTouched.matches && !navigator.mediaDevices) return null;
  return (
    <>
      <Button
        name={words().camera}
        icon={Camera}
        onClick={() => (isTouched.matches ? input.current?.click() : setOpen(true))}
      />
      <input
        ref={input}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        aria-label={words().camera}
        onChange={({ currentTarget }) => {
          void draft.add([...(currentTarget.files ?? [])]);
          currentTarget.value = '';
        }}
      />
      {isOpen && <CameraDialog draft={draft} onClose={() => setOpen(false)} />}
    </>
  );
}

function CameraDialog({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [facing, setFacing] = useState<'user' | 'environment'>('environment');
  const [isRefused, setRefused] = useState(false);
  useEffect(() => {
    let stream: MediaStream | undefined;
    let isHere = true;
    const close = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: facing, width: { ideal: 1920 } } })
      .then((given) => {
        stream = given;
        if (!isHere) close();
        else if (video.current) video.current.srcObject = given;
      })
      .catch(() => isHere && setRefused(true));
    return () => {
      isHere = false;
      close();
    };
  }, [facing]);
  const shoot = async () => {
    const picture = video.current && (await shot(video.current));
    if (picture) await draft.add([picture]);
    onClose();
  };
  const t = words();
  return (
    <Dialog title={t.camera} onClose={onClose} look="is-camera">
      {isRefused ? (
        <p role="alert">{t.noCamera}</p>
      ) : (
        <video ref={video} autoPlay muted playsInline />
      )}
      <div class="dialog-row">
        <Button
          name={t.otherCamera}
          icon={Swap}
          onClick={() => {
            setRefused(false);
            setFacing(facing === 'user' ? 'environment' : 'user');
          }}
        />
        <Button
          name={t.shoot}
          icon={Camera}
          look="is-main"
          hasText
          disabled={isRefused}
          onClick={() => void shoot()}
        />
      </div>
    </Dialog>
  );
}

async function shot(video: HTMLVideoElement): Promise<File | undefined> {
  if (video.videoWidth === 0) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const blob = await blobOfCanvas(canvas, 'image/jpeg');
  return new File([blob], 'camera.jpg', { type: blob.type });
}
