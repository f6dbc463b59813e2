/** What both kinds of turns are drawn from. */
import type { Turn } from '../model/types.js';

export interface TurnProps {
  turn: Turn;
  /** Which version of this turn it is, from 1. */
  at: number;
  of: number;
  isLast: boolean;
  /** So near to the end of the thread that it is seen first. */
  isNearEnd: boolean;
}
