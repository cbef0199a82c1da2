/** What a schema and a validation may cost. A schema beyond them is refused when it is defined, an object when it is written. */

/** Schemas inside one another. */
export const MAX_SCHEMA_DEPTH = 64;
/** Places of one schema, those below allOf, anyOf, oneOf and not included. The largest in the field have 18,000. */
export const MAX_SCHEMA_NODES = 100_000;
/** Characters of one pattern. */
export const MAX_PATTERN_LENGTH = 8_192;
/** Instructions of one compiled pattern: counted repetitions multiply. */
export const MAX_PATTERN_PROGRAM = 100_000;
/** Patterns compiled at the same time, least recently used first out. */
export const MAX_COMPILED_PATTERNS = 2_048;
/** Steps of one validation: a value against one place of a schema each. */
export const MAX_VALIDATION_STEPS = 5_000_000;
/** Errors told of one schema or one object; more are as bad as these. */
export const MAX_SCHEMA_ERRORS = 100;
/** CEL rules of one place. */
export const MAX_RULES = 1_000;
