import type { Digest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import type { ImageName } from '../../domain/reference.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { RepositoryManagement } from '../../registries/management-port.ts';
import type { ListedImage, TagFacts, Vendor } from '../../registries/vendor.ts';
import type { ManifestReader } from './manifest-reader.ts';

/** An opened repository to clean up. */
export interface CleanupTarget {
  readonly image: Pick<ImageName, 'name'>;
  readonly vendor: Vendor;
  readonly managed: RepositoryManagement;
  readonly repository: Repository;
}

/** Facts about a repository, collected while it is read. */
export interface Collected {
  /** From the vendor's list. */
  readonly listed: Map<Digest, ListedImage>;
  readonly tags: Map<string, { readonly digest: Digest } & Partial<TagFacts>>;
  /** Digests that a tag names (as in `sha256-…`), by the digest that the tag points to. */
  readonly attached: Map<Digest, Digest>;
  /** From the registry's referrer lists. */
  readonly referrers: Map<Digest, FoundReferrer>;
  readonly reader: ManifestReader;
}

/** A placeholder left behind by an interrupted untag. */
export interface Placeholder {
  readonly tag: string;
  readonly digest: Digest;
}

/** A tag that the registry lists although its manifest does not exist. */
export interface LostTag {
  readonly tag: string;
  /** The missing manifest. */
  readonly digest: Digest;
}

/** An entry of a referrer list. */
interface FoundReferrer {
  readonly descriptor: Descriptor;
  readonly subject: Digest;
}
