/** The commit of an image. https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const REVISION = 'org.opencontainers.image.revision';
/** The version of an image. */
export const VERSION = 'org.opencontainers.image.version';

/** Fingerprint of the build request, by which later runs recognise the same build. */
export const FINGERPRINT = 'io.github.registry-action.build';
/** Run, job and step that published an image, by which later attempts of the run recognise their own work. */
export const RUN = 'io.github.registry-action.run';
