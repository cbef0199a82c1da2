/** Splitting a request target, without URL objects: there is one per request. */

const NO_QUERY = new URLSearchParams();

interface SplitTarget {
  path: string;
  /** Never changed by anybody: requests without a query share one. */
  query: URLSearchParams;
}

export function splitTarget(target: string): SplitTarget {
  const mark = target.indexOf('?');
  if (mark < 0) {
    return { path: target, query: NO_QUERY };
  }
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}
