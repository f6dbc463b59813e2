/**
 * The texts of an automaton of at most so many characters. Its states are told apart by the room that is left, and those
 * from which the same may follow are one; they are found from the last character on. Bounded: where they would be too
 * many, longer texts are left out.
 */
import type { Automaton, AutomatonState } from './automaton.js';
import { type CodePoints, keyOf } from './code-points.js';

const NOWHERE = -1;

/** Places that are looked at, and places that may be written. */
export interface RoomLimits {
  readonly maxFound: number;
  readonly maxStates: number;
}

/** What may follow in some room: the numbers of a kind, and of sets and places by turns. */
type Following = Int32Array;

/** @returns the automaton, and the most characters of its texts. */
export function withinRoom(
  automaton: Automaton,
  max: number,
  { maxFound, maxStates }: RoomLimits,
): { automaton: Automaton; most: number } {
  const rooms = new Rooms(automaton);
  while (rooms.most < max && rooms.found <= maxFound) rooms.widen();
  // The most room for which the places that are reached are few enough.
  let most = rooms.reached(rooms.most, maxStates) ? rooms.most : 0;
  for (let step = 2 ** Math.floor(Math.log2(rooms.most + 1)); step >= 1; step /= 2) {
    const next = most + step;
    if (next <= rooms.most && rooms.reached(next, maxStates)) most = next;
  }
  return { automaton: rooms.write(rooms.reached(most, maxStates) ?? []), most };
}

class Rooms {
  private readonly sets: CodePoints[] = [];
  /** For each state its moves: sets and targets by turns. */
  private readonly moves: Int32Array[];
  private readonly places: Following[] = [];
  /** For each hash the last place that has it, and for each place the one before. */
  private readonly last = new Map<number, number>();
  private readonly before: number[] = [];
  /** For each room the place that each state is. */
  private readonly layers: Int32Array[] = [];
  /** Of the place that is looked at. */
  private readonly following: Following;

  constructor(private readonly automaton: Automaton) {
    const numbers = new Map<string, number>();
    this.moves = automaton.map(({ moves }) => {
      const flat = new Int32Array(2 * moves.length);
      moves.forEach(({ set, target }, i) => {
        const key = keyOf(set);
        if (!numbers.has(key)) numbers.set(key, this.sets.push(set) - 1);
        flat[2 * i] = numbers.get(key)!;
        flat[2 * i + 1] = target;
      });
      return flat;
    });
    this.following = new Int32Array(1 + Math.max(...this.moves.map(({ length }) => length)));
    this.widen();
  }

  get most(): number {
    return this.layers.length - 1;
  }

  get found(): number {
    return this.places.length;
  }

  /** Room for one character more. */
  widen(): void {
    const behind = this.layers.at(-1);
    const layer = new Int32Array(this.automaton.length);
    const { following } = this;
    for (let state = 0; state < layer.length; state++) {
      following[0] = this.automaton[state]!.kind ?? NOWHERE;
      let length = 1;
      const moves = this.moves[state]!;
      for (let i = 0; behind && i < moves.length; i += 2) {
        const place = behind[moves[i + 1]!]!;
        if (place === NOWHERE) continue;
        following[length++] = moves[i]!;
        following[length++] = place;
      }
      const isDead = length === 1 && following[0] === NOWHERE;
      layer[state] = isDead ? NOWHERE : this.numberOf(length);
    }
    this.layers.push(layer);
  }

  /** Of what follows, which has so many numbers. */
  private numberOf(length: number): number {
    const { following } = this;
    let hash = 0;
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ (following[i]! + 2), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const last = this.last.get(hash) ?? NOWHERE;
    for (let place = last; place !== NOWHERE; place = this.before[place]!)
      if (isSame(this.places[place]!, following, length)) return place;
    this.before.push(last);
    this.last.set(hash, this.places.length);
    return this.places.push(following.slice(0, length)) - 1;
  }

  /** The places that are reached with so much room, the first one first; undefined where they are more than `limit`. */
  reached(room: number, limit: number): number[] | undefined {
    const first = this.layers[room]![0]!;
    if (first === NOWHERE) return [];
    const seen = new Uint8Array(this.places.length);
    const order = [first];
    seen[first] = 1;
    for (let at = 0; at < order.length; at++) {
      if (order.length > limit) return undefined;
      const following = this.places[order[at]!]!;
      for (let i = 2; i < following.length; i += 2) {
        const place = following[i]!;
        if (seen[place]) continue;
        seen[place] = 1;
        order.push(place);
      }
    }
    return order;
  }

  write(order: readonly number[]): Automaton {
    const numbers = new Int32Array(this.places.length);
    for (let i = 0; i < order.length; i++) numbers[order[i]!] = i;
    return order.map((number): AutomatonState => {
      const following = this.places[number]!;
      const moves = new Array<AutomatonState['moves'][0]>((following.length - 1) / 2);
      for (let i = 1; i < following.length; i += 2) {
        const target = numbers[following[i + 1]!]!;
        moves[(i - 1) / 2] = { set: this.sets[following[i]!]!, target };
      }
      const kind = following[0] === NOWHERE ? undefined : following[0];
      return { place: [], rule: undefined, kind, moves };
    });
  }
}

function isSame(a: Following, b: Following, length: number): boolean {
  if (a.length !== length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
