/** Query parameters as Kubernetes reads them. */

/** A flag: absent is false; present is true unless it says `false` (Python's clients: `False`) or `0`. */
export const flag = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0' && text.toLowerCase() !== 'false';
};
