/** Whether an element is in the window or close to it. One observer for all of them. */
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const MARGIN = '800px';
const watched = new Map<Element, (isNear: boolean) => void>();
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) watched.get(target)?.(isIntersecting);
  },
  { rootMargin: MARGIN },
);

export function useNear(place: RefObject<Element | null>, isNearAtFirst = false): boolean {
  const [isNear, setNear] = useState(isNearAtFirst);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    watched.set(element, setNear);
    observer.observe(element);
    return () => {
      observer.unobserve(element);
      watched.delete(element);
    };
  }, [place]);
  return isNear;
}
