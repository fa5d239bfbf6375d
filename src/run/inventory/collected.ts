import type { Digest } from '../../domain/digest.ts';
import type { Descriptor } from '../../domain/manifest.ts';
import type { ImageName } from '../../domain/reference.ts';
import type { Repository } from '../../oci/client/repository.ts';
import type { RepositoryManagement } from '../../registries/management-port.ts';
import type { ListedImage, TagFacts, Vendor } from '../../registries/vendor.ts';
import type { ManifestReader } from './manifest-reader.ts';

/** A repository to clean up, opened. */
export interface CleanupTarget {
  readonly image: Pick<ImageName, 'name'>;
  readonly vendor: Vendor;
  readonly managed: RepositoryManagement;
  readonly repository: Repository;
}

/** What is known of a repository while it is read. */
export interface Collected {
  /** By the vendor's list. */
  readonly listed: Map<Digest, ListedImage>;
  readonly tags: Map<string, { readonly digest: Digest } & Partial<TagFacts>>;
  /** What has a tag that names another digest, and that digest. */
  readonly attached: Map<Digest, Digest>;
  /** By the registry's lists of referrers. */
  readonly referrers: Map<Digest, FoundReferrer>;
  readonly reader: ManifestReader;
}

/** The manifest that an untag has put in the place of a tag, and that a crash has left there. */
export interface Placeholder {
  readonly tag: string;
  readonly digest: Digest;
}

/** What a list of referrers says of one of them. */
export interface FoundReferrer {
  readonly descriptor: Descriptor;
  readonly subject: Digest;
}
