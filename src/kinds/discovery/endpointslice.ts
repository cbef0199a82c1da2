import type { EndpointSlice } from '../generated/discovery.ts';
import { defineKind } from '../kind.ts';

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io', version: 'v1', kind: 'EndpointSlice', plural: 'endpointslices', singular: 'endpointslice',
  namespaced: true, type: 'discovery/v1.EndpointSlice', origin: 'builtin',
  columns: [],
  rules: {},
});
