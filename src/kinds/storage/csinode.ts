import { validateQualifiedName } from '../../apimachinery/names.ts';
import { fieldError, type FieldError } from '../../apimachinery/status.ts';
import { deepEqual } from '../../apimachinery/values.ts';
import { IMMUTABLE, nonNegative, requiredText } from '../checks.ts';
import { AGE, column, NAME } from '../columns.ts';
import type { CSINode, CSINodeDriver } from '../generated/storage.ts';
import { defineKind } from '../kind.ts';
import { driverName } from '../namechecks.ts';

const MAX_NODE_ID = 256;

function driverErrors(at: string, { name, nodeID, topologyKeys = [], allocatable }: CSINodeDriver): FieldError[] {
  const seen = new Set<string>();
  return [
    ...driverName(`${at}.name`, name),
    ...requiredText(`${at}.nodeID`, nodeID),
    ...((nodeID ?? '').length > MAX_NODE_ID ? [fieldError.invalid(`${at}.nodeID`, nodeID, `must be ${MAX_NODE_ID} characters or less`)] : []),
    ...nonNegative(`${at}.allocatable.count`, allocatable?.count),
    ...topologyKeys.flatMap((key) => {
      const errors = seen.has(key) ? [fieldError.duplicate(`${at}.topologyKeys`, key)] : [];
      seen.add(key);
      return [...errors, ...validateQualifiedName(key).map((why) => fieldError.invalid(`${at}.topologyKeys`, key, why))];
    }),
  ];
}

function validate({ spec }: CSINode): FieldError[] {
  const seen = new Set<string>();
  return (spec.drivers ?? []).flatMap((driver, index) => {
    const at = `spec.drivers[${index}]`;
    const errors = driverErrors(at, driver);
    if (seen.has(driver.name)) {
      errors.push(fieldError.duplicate(`${at}.name`, driver.name));
    }
    seen.add(driver.name);
    return errors;
  });
}

/** A driver that stays on the node stays as it is, but for how many volumes it takes. */
function validateUpdate({ spec }: CSINode, { spec: old }: CSINode): FieldError[] {
  const bare = ({ name, nodeID, topologyKeys = [] }: CSINodeDriver): unknown => ({ name, nodeID, topologyKeys });
  return (old.drivers ?? []).flatMap((before) => {
    const now = (spec.drivers ?? []).find(({ name }) => name === before.name);
    return now === undefined || deepEqual(bare(now), bare(before)) ? [] : [fieldError.invalid('CSINodeDriver', now, IMMUTABLE)];
  });
}

export const csiNode = defineKind<CSINode>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSINode', plural: 'csinodes', singular: 'csinode',
  namespaced: false, type: 'storage/v1.CSINode', origin: 'builtin',
  columns: [NAME, column('Drivers', ({ spec }) => (spec.drivers ?? []).length, { type: 'integer' }), AGE],
  rules: {
    generation: false,
    defaults(object) { object.spec ??= { drivers: [] }; },
    validate,
    validateUpdate,
  },
});
