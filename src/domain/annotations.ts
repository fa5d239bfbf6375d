/** Where the commit of an image is written down. https://github.com/opencontainers/image-spec/blob/main/annotations.md */
export const REVISION = 'org.opencontainers.image.revision';

/** Where this action writes down a fingerprint of the build request, to know its own work again. */
export const FINGERPRINT = 'io.github.registry-action.build';
