import type { NativeBinding } from '../binding.js';
import { type BackendChoice, type ChosenBackend, chooseBackend } from './backend.js';
import { thisMachine } from './this-machine.js';
import { translateErrors } from './translate-errors.js';

/** Addons stay loaded: a process may use several, one for each backend. */
const chosen = new Map<BackendChoice, ChosenBackend>();

/**
 * The addon for a backend, loaded at its first use, so that importing the package never fails.
 * @throws ERR_BINDING_NOT_FOUND, ERR_BACKEND_UNAVAILABLE
 */
export function backendFor(choice: BackendChoice): ChosenBackend {
  let backend = chosen.get(choice);
  if (!backend) {
    const { binding, info } = chooseBackend(choice, thisMachine());
    backend = { binding: translateErrors(binding), info };
    chosen.set(choice, backend);
  }
  return backend;
}

/** The addon for work that needs no GPU. @throws ERR_BINDING_NOT_FOUND */
export function native(): NativeBinding {
  return backendFor('cpu').binding;
}
