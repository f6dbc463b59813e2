/**
 * A misspelt option is called unknown, with the one that was meant, before the one that was meant is called missing:
 * commander looks for missing ones first.
 */
import type { Command, Option } from 'commander';

/** Methods that commander has and does not declare. */
interface Undeclared {
  missingMandatoryOptionValue(option: Option): void;
  unknownOption(flag: string): void;
}

export function complainOfUnknownFirst(command: Command): void {
  const own = command as unknown as Undeclared;
  const missing = own.missingMandatoryOptionValue.bind(command);
  own.missingMandatoryOptionValue = (option) => {
    const unknown = command.args.find((word) => /^--?[a-z]/i.test(word));
    if (unknown !== undefined) own.unknownOption(unknown);
    missing(option);
  };
}
