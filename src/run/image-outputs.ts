/** The outputs of every command that deals with one image. */
export const IMAGE_OUTPUTS = {
  digest: 'Digest of the image: the same that was built, scanned, pushed and read back.',
  image: 'The first image name with the digest, `ghcr.io/org/app@sha256:…`.',
  repository:
    'The first image name without its host: GitHub blanks outputs that contain a masked value, and a host may contain one.',
  tags: 'Full names of the tags, `ghcr.io/org/app:1.2.3`, one per line.',
  version: 'The main tag, as in `org.opencontainers.image.version`.',
} as const;
