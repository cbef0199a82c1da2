/** Names and metadata: the rules for texts and the validation of `metadata` that uses them. */
export * from './namerules.ts';
export * from './objectmeta.ts';
