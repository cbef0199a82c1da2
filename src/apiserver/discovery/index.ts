/** Discovery documents, made from the registry. */
export { apiGroupDiscoveryList } from './aggregated.ts';
export { apiGroup, apiGroupList, apiResourceList, apiVersions } from './plain.ts';
export { groupVersions, resourcesOf, type ResourceInfo } from './resources.ts';
