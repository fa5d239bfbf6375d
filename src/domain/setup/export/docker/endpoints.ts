import { fieldsOf } from '../../../fields.ts';
import type { DesiredRegistry } from '../../desired-state.ts';

/** Finds the address of a replica by its name in `to`; undefined: it has no address that the file knows. */
export function endpointUrls(vendor: string, { host, own }: DesiredRegistry): (target: string) => string | undefined {
  if (vendor === 'ecr') return (target) => ecrReplica(host, target);
  if (vendor !== 'harbor') return () => undefined;
  const endpoints = fieldsOf(own.get('harbor')?.get('endpoints')?.value);
  return (target) => {
    const { url, type = 'harbor' } = fieldsOf(endpoints[target]);
    if (type !== 'harbor' || typeof url !== 'string' || !URL.canParse(url)) return undefined;
    const { origin, protocol } = new URL(url);
    return protocol === 'https:' || protocol === 'http:' ? origin : undefined;
  };
}

/** `444455556666/eu-west-1` or `eu-west-1` of the same account. */
function ecrReplica(host: string, target: string): string | undefined {
  const [, account = '', before = '', region = '', after = ''] =
    /^(\d{12})(\.dkr[.-]ecr(?:-fips)?\.)([a-z0-9-]+)(\..+)$/.exec(host) ?? [];
  const [other, second] = target.split('/');
  if (account === '' || other === undefined) return undefined;
  const to = second === undefined ? { account, region: other } : { account: other, region: second };
  return to.account === account && to.region === region
    ? undefined
    : `https://${to.account}${before}${to.region}${after}`;
}
