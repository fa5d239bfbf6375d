import { counted } from '../../domain/amount.ts';
import { vendorHint } from '../../domain/mirror/hints.ts';
import { ActionError } from '../../errors/action-error.ts';
import type { Vendor } from '../../registries/vendor.ts';
import { VENDORS } from '../../registries/vendors.ts';
import type { MirroredSource, MirroredTag } from './result.ts';
import type { MirrorWork, Row } from './work.ts';

/** Errors of the same kind that are reported for one source. */
const MAX_ERRORS = 10;
/** Tags that one message names. */
const MAX_NAMES = 10;

/** The results so far. */
export function sourcesOf(works: readonly MirrorWork[]): readonly MirroredSource[] {
  return works.map((work) => ({
    source: work.source.image,
    targets: work.targets.map(({ image }) => image),
    tags: work.rows.map(tagOf),
    errors: errorsOf(work),
    hints: hintsOf(work),
  }));
}

function tagOf({ target, tag, action, image, previous, reason, isDone }: Row): MirroredTag {
  return {
    target: target.image,
    tag,
    action,
    ...(image === undefined ? {} : { digest: image.wanted }),
    ...(image === undefined || image.wanted === image.source.digest ? {} : { sourceDigest: image.source.digest }),
    ...(previous === undefined ? {} : { previousDigest: previous }),
    reason,
    isDone,
  };
}

/** What went wrong with a source, each thing once. */
export function errorsOf({ error, rows, source }: MirrorWork): readonly ActionError[] {
  const all = [...(error === undefined ? [] : [error]), ...rows.flatMap((row) => row.error ?? [])];
  const different = [...new Map(all.map((each) => [`${each.code} ${each.message}`, each])).values()];
  const blocked = rows.filter(({ action }) => action === 'blocked');
  const more = different.length - MAX_ERRORS;
  const told = different.slice(0, MAX_ERRORS).map((each, at) => {
    const isLast = at === MAX_ERRORS - 1 && more > 0;
    if (!isLast) return each;
    const { code, facts, message, cause } = each;
    return new ActionError(code, `${message} And ${more} more errors of ${source.image}, see the summary.`, {
      facts,
      cause,
    });
  });
  return blocked.length === 0 ? told : [...told, blockedError(source, blocked)];
}

function blockedError({ image, repository }: MirrorWork['source'], blocked: readonly Row[]): ActionError {
  const names = blocked.slice(0, MAX_NAMES).map(({ target, tag, reason }) => `- ${target.image}:${tag} ${reason}`);
  const more = blocked.length - names.length;
  const [first] = blocked;
  const facts = {
    registry: first?.target.repository.host ?? repository.host,
    repository: first?.target.repository.name ?? repository.name,
    ...(first === undefined ? {} : { reference: first.tag }),
  };
  const what = `${counted(blocked.length, 'tag')} of ${image} must not be moved:`;
  return new ActionError('MIRROR_TAG_MOVED', [what, ...names, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n'), {
    facts,
  });
}

function hintsOf({ source, targets }: MirrorWork): readonly string[] {
  const from = { kind: kindOfVendor(source.registry.vendor), host: source.registry.host };
  const hints = targets.map(({ registry }) => vendorHint(from, { kind: kindOfVendor(registry.vendor) }));
  return [...new Set(hints.filter((hint) => hint !== undefined))];
}

function kindOfVendor(vendor: Vendor): string {
  return Object.entries(VENDORS).find(([, known]) => known === vendor)?.[0] ?? '';
}
