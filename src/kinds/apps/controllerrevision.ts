import { fieldError } from '../../apimachinery/status.ts';
import { controllerOf } from '../../apimachinery/object.ts';
import { immutable, nonNegative } from '../checks.ts';
import { AGE, column, NAME, NONE } from '../columns.ts';
import type { ControllerRevision } from '../generated/apps.ts';
import { defineKind } from '../kind.ts';

function controller(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) {
    return NONE;
  }
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`;
}

export const controllerRevision = defineKind<ControllerRevision>({
  group: 'apps', version: 'v1', kind: 'ControllerRevision', plural: 'controllerrevisions', singular: 'controllerrevision',
  namespaced: true, type: 'apps/v1.ControllerRevision', origin: 'builtin',
  columns: [NAME, column('Controller', controller), column('Revision', ({ revision }) => revision ?? 0), AGE],
  rules: {
    generation: false,
    validate: ({ revision, data }) => [
      ...(data === undefined ? [fieldError.required('data', 'data is mandatory')] : []), ...nonNegative('revision', revision),
    ],
    validateUpdate: (object, old) => immutable('data', object.data, old.data),
  },
});
