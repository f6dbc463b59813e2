/** Lets the steps of a model through one by one, so that what is being written stands still at the same place on any machine. */
import { gate } from '../../support/fake-model.js';

export class StepGate {
  #held: (ReturnType<typeof gate> & { left: number }) | undefined;

  /** So many steps more, until `release`. */
  hold(steps: number): void {
    this.#held = { ...gate(), left: steps };
  }

  release(): void {
    this.#held?.open();
    this.#held = undefined;
  }

  /** Before each step. */
  async pass(): Promise<void> {
    const held = this.#held;
    if (held && held.left-- <= 0) await held.opened;
  }
}
