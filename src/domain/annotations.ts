/** Where the commit of an image is written down. https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const REVISION = 'org.opencontainers.image.revision';
/** Where the version of an image is written down. */
export const VERSION = 'org.opencontainers.image.version';

/** Where this action writes down a fingerprint of the build request, to know its own work again. */
export const FINGERPRINT = 'io.github.registry-action.build';
