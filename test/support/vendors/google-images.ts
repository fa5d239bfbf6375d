export interface GoogleImage {
  readonly uri: string;
  readonly digest: string;
  readonly package: string;
  tags: string[];
  /** The digest of an index that holds it; all of them where there are several. */
  readonly parent?: string;
  readonly parents?: readonly string[];
  readonly mediaType?: string;
  readonly uploaded?: string;
}

/** A row of dockerImages. */
export function imageRow({ uri, tags, mediaType, uploaded }: GoogleImage) {
  return {
    name: `projects/p/locations/us/repositories/r/dockerImages/${encodeURIComponent(uri.split('/').at(-1) ?? '')}`,
    uri,
    ...(tags.length > 0 ? { tags } : {}),
    imageSizeBytes: '12',
    uploadTime: uploaded ?? '2026-01-01T00:00:00Z',
    mediaType: mediaType ?? 'application/vnd.oci.image.manifest.v1+json',
  };
}

/** The rows of packages.tags of one image. */
export function tagRows(images: readonly GoogleImage[], path: string) {
  const name = path.replace(/\/tags$/, '');
  const image = decodeURIComponent(name.split('/packages/')[1] ?? '');
  return images
    .filter((each) => each.package === image)
    .flatMap(({ digest, tags }) =>
      tags.map((tag) => ({ name: `${name}/tags/${tag}`, version: `${name}/versions/${digest}` })),
    );
}
