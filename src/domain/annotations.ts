/** Where the commit of an image is written down. https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const REVISION = 'org.opencontainers.image.revision';
/** Where the version of an image is written down. */
export const VERSION = 'org.opencontainers.image.version';
/** Where the date of an image is written down. */
export const CREATED = 'org.opencontainers.image.created';

/** Fingerprint of the build request, by which a later run recognises its own work. */
export const FINGERPRINT = 'io.github.registry-action.build';
/** Run, job and step that published an image, by which a later attempt of the run recognises its own work. */
export const RUN = 'io.github.registry-action.run';
